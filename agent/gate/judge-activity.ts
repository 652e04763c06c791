import type { Vantage } from '../../contracts/finding.ts';
import type { ActivityJudgement, ActivitySignal, ActivitySource } from '../../contracts/gate.ts';
import type { Features } from '../../contracts/instance.ts';

export interface ActivityDesk {
  features: Pick<Features, 'voice' | 'vdi'>;
  vantage: Vantage;
}

/**
 * Three readings of a reader that reads every five seconds. Older, and `idle` could hide a call that began since, while
 * `on-call` could hold up the gate for a reader that is gone.
 */
export const SIGNAL_STALE_AFTER_MS = 15_000;

/** Connect itself knows contacts of every channel, on whatever device their media is. */
const connectProof: readonly ActivitySource[] = ['connect-api'];

/**
 * Packets miss a call whose media has not begun or is blocked, and a microphone misses one that is held by something other
 * than a browser; together they miss none that a softphone has.
 */
const softphoneProof: readonly ActivitySource[] = ['media-packets', 'microphone'];

/**
 * What proves a call. A browser that holds the microphone may be recording a memo: any page can do that, for as long as its
 * user likes, whoever tells of it.
 */
const vouching: readonly ActivitySource[] = ['media-packets', 'connect-api'];

/** Pure and total. `signals` holds the latest word of each reader. */
export function judgeActivity(signals: readonly ActivitySignal[], desk: ActivityDesk, nowAwakeMs: number): ActivityJudgement {
  const fresh = signals.map((signal) => (isFresh(signal, nowAwakeMs) ? signal : { ...signal, says: 'unknown' as const }));
  const proofs = showsEveryCall(desk) ? [connectProof, softphoneProof] : [connectProof];

  const onCall = fresh.filter((signal) => signal.says === 'on-call');
  const vouched = onCall.filter((signal) => signal.side === 'privileged' && vouching.includes(signal.source));
  if (vouched.length > 0) return { activity: 'on-call', byPrivileged: true, sources: sourcesOf(vouched) };
  // Outweighs a proof of `idle`: a chat in the tray app's window has no media. What it can hold up is bounded elsewhere.
  if (onCall.length > 0) return { activity: 'on-call', byPrivileged: false, sources: sourcesOf(onCall) };

  const wanting = proofs.map((proof) => proof.filter((source) => !saysIdle(source, fresh)));
  const proven = proofs.find((_, index) => wanting[index]?.length === 0);
  if (proven) return { activity: 'idle', byPrivileged: true, sources: [...proven] };
  return { activity: 'unknown', byPrivileged: false, sources: wanting.at(-1) ?? [] };
}

/** A signal from the future is one of another boot. */
function isFresh(signal: ActivitySignal, nowAwakeMs: number): boolean {
  const ageMs = nowAwakeMs - signal.observedAtMs;
  return ageMs >= 0 && ageMs <= SIGNAL_STALE_AFTER_MS;
}

/**
 * Whether a call shows in this desk's packets and microphone. Not with a redirected call, whose media is on the other
 * device or, when redirection fails, on this one; nor without softphone calls: then agents use desk phones or have chats.
 * Chats beside softphone calls do not show either, but a policy that counts on that could never close the gate at all.
 */
function showsEveryCall({ features, vantage }: ActivityDesk): boolean {
  return features.voice && !features.vdi && vantage === 'endpoint';
}

/** The session's `idle` proves nothing: the tray app does not see what its user does in a browser. */
function saysIdle(source: ActivitySource, fresh: readonly ActivitySignal[]): boolean {
  const words = fresh.filter((signal) => signal.source === source && signal.side === 'privileged');
  return words.length > 0 && words.every((signal) => signal.says === 'idle');
}

function sourcesOf(signals: readonly ActivitySignal[]): ActivitySource[] {
  return [...new Set(signals.map((signal) => signal.source))];
}
