import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';

/** systemd-notify waits by itself, for up to 5 s, until its message is attributed to our unit. */
const NOTIFY_DEADLINE_MS = 6_000;

/** Node cannot send a datagram to a Unix socket; systemd brings a program that does. */
const systemdNotify: NotifyTool = { paths: ['/usr/bin/systemd-notify', '/bin/systemd-notify'], deadlineMs: NOTIFY_DEADLINE_MS };

/** Each ping costs a process. */
const SHORTEST_PING_MS = 500;

interface NotifyTool {
  paths: readonly string[];
  deadlineMs: number;
}

export interface ServiceManager {
  /** The unit counts as started. From here on the watchdog is fed, where the unit has one. */
  ready(): Promise<void>;
  /** No more pings; the unit's own deadline for stopping applies. */
  stopping(): Promise<void>;
}

export interface ServiceManagerSettings {
  /** NOTIFY_SOCKET of the environment: a path, or `@name`. Without it nobody listens, and nothing is sent. */
  socketPath: string | undefined;
  /** WATCHDOG_USEC of the environment, in microseconds. */
  watchdogUsec: string | undefined;
  /** Told once for each row of failures. */
  onFault: (detail: string) => void;
}

/** Tells systemd how the daemon fares (sd_notify(3)). Never rejects, and never keeps the process alive. */
export function notifyServiceManager(
  { socketPath, watchdogUsec, onFault }: ServiceManagerSettings,
  tool: NotifyTool = systemdNotify,
): ServiceManager {
  if (socketPath === undefined) return { async ready() {}, async stopping() {} };
  const socket = socketPath;
  const pingEveryMs = pingInterval(watchdogUsec);
  let pings: NodeJS.Timeout | undefined;
  let isPinging = false;
  let hasFailed = false;

  async function send(message: string): Promise<void> {
    const trouble = await notify(tool, socket, message);
    if (trouble !== null && !hasFailed) onFault(`${message}: ${trouble}`);
    hasFailed = trouble !== null;
  }

  async function ping(): Promise<void> {
    if (isPinging) return;
    isPinging = true;
    await send('WATCHDOG=1');
    isPinging = false;
  }

  return {
    async ready() {
      if (pingEveryMs !== null) pings ??= setInterval(() => void ping(), pingEveryMs).unref();
      await send('READY=1');
    },
    async stopping() {
      clearInterval(pings);
      await send('STOPPING=1');
    },
  };
}

/** Half of what the unit allows, as sd_watchdog_enabled(3) advises; null without a watchdog. */
function pingInterval(watchdogUsec: string | undefined): number | null {
  if (watchdogUsec === undefined || !/^[1-9]\d{0,12}$/.test(watchdogUsec)) return null;
  return Math.max(SHORTEST_PING_MS, Number(watchdogUsec) / 2_000);
}

/** Null when it was sent, else why not. */
function notify(tool: NotifyTool, socketPath: string, message: string): Promise<string | null> {
  const program = tool.paths.find((path) => existsSync(path));
  if (!program) return Promise.resolve('systemd-notify is missing');
  return new Promise((resolve) => {
    const child = spawn(program, [message], {
      env: { NOTIFY_SOCKET: socketPath },
      stdio: 'ignore',
      timeout: tool.deadlineMs,
      killSignal: 'SIGKILL',
    });
    child.unref();
    child.on('error', (error) => resolve(error.message));
    child.on('exit', (code, signal) => resolve(code === 0 ? null : `systemd-notify ended with ${signal ?? code}`));
  });
}
