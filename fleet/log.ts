import { type LevelWithSilent, pino } from 'pino';

export type FleetEvent = Readonly<Record<string, unknown> & { event: string }>;

/** No event is made with a secret; this is a second fence, in case one is. */
const secretKeys = ['ticket', 'token', 'secret', 'password', 'privateKey', 'authorization', 'cookie'];

/** One JSON object a line. */
export function createLog(write: (line: string) => void, level: LevelWithSilent = 'info'): (event: FleetEvent) => void {
  const logger = pino(
    {
      level,
      base: null,
      timestamp: () => `,"at":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: secretKeys.flatMap((key) => [key, `*.${key}`]), censor: '[redacted]' },
    },
    { write },
  );
  return (event) => logger[event.event === 'fault' ? 'error' : event.event === 'denied' ? 'warn' : 'info'](event);
}
