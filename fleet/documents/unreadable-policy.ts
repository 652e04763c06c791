/** A stored policy that this version cannot parse. It costs the desks under it new orders, and no other desk anything. */
export class UnreadablePolicy extends Error {
  override readonly name = 'UnreadablePolicy';
  readonly instance: string;
  readonly policy: string;
  readonly revision: number;

  constructor({ instance, policy, revision }: { instance: string; policy: string; revision: number }, detail: string) {
    super(`policy "${policy}", revision ${revision}, of instance ${instance} cannot be read by this version: ${detail}`);
    this.instance = instance;
    this.policy = policy;
    this.revision = revision;
  }
}

/** Heartbeats come upon it every few seconds. */
const AGAIN_MS = 60 * 60_000;
/** More than a deployment has of them; then the oldest are told again. */
const MOST_KNOWN = 1_000;

export interface Telling {
  now: () => Date;
  count(): void;
  say(line: string): void;
}

/** Counts each time, and says once an hour. */
export function tellUnreadable({ now, count, say }: Telling): (error: UnreadablePolicy) => void {
  const told = new Map<string, number>();
  return ({ instance, policy, revision, message }) => {
    count();
    const key = `${instance} ${policy} ${revision}`;
    const nowMs = now().getTime();
    if (nowMs - (told.get(key) ?? -AGAIN_MS) < AGAIN_MS) return;
    told.delete(key);
    told.set(key, nowMs);
    const [oldest] = told.keys();
    if (told.size > MOST_KNOWN && oldest !== undefined) told.delete(oldest);
    say(message);
  };
}
