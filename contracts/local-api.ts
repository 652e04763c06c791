import { z } from 'zod';
import { call, event } from './call.ts';
import { DeskHistory } from './desk-history.ts';
import { EnforcerStatus } from './enforcer.ts';
import { Fault } from './fault.ts';
import { CheckId, Finding } from './finding.ts';
import { ActivityJudgement, CallActivity, GateStatus } from './gate.ts';
import { Instance } from './instance.ts';
import { LinkTrouble } from './link-trouble.ts';
import { BlindCause } from './outcome.ts';
import { GateSettings, HttpsOrigin, ReportingSettings, Rule } from './policy.ts';
import { Progress } from './progress.ts';
import { Verdict } from './verdict.ts';
import { Waiver } from './waiver.ts';

/** What a user's programs may send in one message. Evidence, the largest thing they have to say, takes a quarter of it. */
export const MAX_CLIENT_FRAME_BYTES = 64 * 1024;
/** What the daemon may send: a snapshot with 200 findings is well below. */
export const MAX_DAEMON_FRAME_BYTES = 1024 * 1024;
/** Deeper than anything we nest, shallow enough for every recursive reader of it. */
const MAX_DEPTH = 64;

const MAX_EVIDENCE_CHARS = 16 * 1024;
const MAX_EVIDENCE_DEPTH = 16;

/** Why a value is not plain JSON within these bounds; null when it is. Total, and recursion-free: a stranger chose the depth. */
export function jsonFlaw(value: unknown, maxDepth = MAX_DEPTH, maxChars = Number.POSITIVE_INFINITY): string | null {
  const waiting: { value: unknown; depth: number }[] = [{ value, depth: 0 }];
  let chars = 0;
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { value: part, depth } = next;
    if (depth > maxDepth) return `nested deeper than ${maxDepth}`;
    // Brackets, comma and colon of each part; escapes are not counted.
    chars += 2 + (typeof part === 'string' ? part.length : 0);
    // JSON.parse makes Infinity of 1e999.
    if (typeof part === 'number' && !Number.isFinite(part)) return 'a number that is not finite';
    if (Array.isArray(part)) {
      for (const item of part) waiting.push({ value: item, depth: depth + 1 });
    } else if (typeof part === 'object' && part !== null) {
      for (const [key, item] of Object.entries(part)) {
        if (key === '__proto__') return 'a key "__proto__"';
        chars += key.length;
        waiting.push({ value: item, depth: depth + 1 });
      }
    } else if (part !== null && !['string', 'number', 'boolean'].includes(typeof part)) {
      return `a value of type ${typeof part}`;
    }
    if (chars > maxChars) return `longer than ${maxChars} characters`;
  }
  return null;
}

/** Still unjudged: the daemon parses it by the check's own schema, and marks it less trusted. */
const SessionEvidence = z.unknown().superRefine((value, context) => {
  const flaw = jsonFlaw(value, MAX_EVIDENCE_DEPTH, MAX_EVIDENCE_CHARS);
  if (flaw !== null) context.addIssue({ code: 'custom', message: flaw });
});

/** What a session probe saw, or why it could not look: then the finding is `unknown`, whatever the evidence would have said. */
export const ProbeReading = z.discriminatedUnion('seen', [
  z.strictObject({ seen: z.literal(true), evidence: SessionEvidence }),
  z.strictObject({ seen: z.literal(false), cause: BlindCause, detail: z.string().max(300) }),
]);
export type ProbeReading = z.infer<typeof ProbeReading>;

const Limit = z.strictObject({ warn: z.number().nonnegative(), fail: z.number().nonnegative() });

/** What call quality is measured against: of the estimated score less is worse, of everything else more. */
export const QualityLimits = z.strictObject({ rttMs: Limit, jitterMs: Limit, lossPercent: Limit, mos: Limit });
export type QualityLimits = z.infer<typeof QualityLimits>;

export const Snapshot = z.strictObject({
  /** Null until the first run is judged. */
  verdict: Verdict.nullable(),
  findings: z.array(Finding).max(200),
  gate: GateStatus,
  activity: ActivityJudgement,
  /** Where the gate does not act, only those that could not take away what was there. */
  enforcers: z.array(EnforcerStatus).max(5),
  /** The gate is open by IT's word until then. */
  releasedUntil: z.iso.datetime().nullable(),
  fleet: z.strictObject({
    state: z.enum(['not-enrolled', 'pending', 'enrolled', 'revoked']),
    server: z.string().max(500).nullable(),
    device: z.uuid().nullable(),
    /** When the fleet last answered. */
    heardAt: z.iso.datetime().nullable(),
    /** Why it did not, the last time it was asked; null when it did. */
    trouble: LinkTrouble.nullable(),
    waitingReports: z.int().nonnegative(),
  }),
  policy: z.strictObject({
    signed: z.boolean(),
    id: z.string(),
    revision: z.int().positive(),
    instance: Instance.pick({ alias: true, region: true }),
    /** What a finding's outcome does, by rule. */
    rules: z.array(Rule.pick({ id: true, check: true, on: true })).max(200),
    /** What the CCP window does when the daemon does not answer any more. */
    gate: GateSettings.pick({ onAgentLoss: true, maxDrainMs: true }),
    /** Null where no rule of this desk measures calls. */
    quality: QualityLimits.nullable(),
    /** What leaves the desk. */
    reporting: ReportingSettings,
  }),
  /** Those that count in the verdict. */
  waivers: z.array(Waiver.omit({ schema: true })).max(200),
  /** What the CCP window opens, null where the policy names no instance; and the origins that are the CCP's own. */
  ccp: z.strictObject({
    url: z.url({ protocol: /^https$/ }).nullable(),
    origins: z.array(HttpsOrigin).max(20),
    loginOrigins: z.array(HttpsOrigin).max(20),
  }),
  /** What the user's session is asked to look at, and the TURN servers that it may ask. */
  session: z.strictObject({
    rules: z.array(Rule.pick({ id: true, check: true, params: true, everyMs: true })).max(50),
    turn: z.array(z.strictObject({ host: z.string().max(253), port: z.int().min(1).max(65_535) })).max(20),
  }),
  allowlist: z.strictObject({ revision: z.int().positive(), createdAt: z.iso.datetime() }),
  daemon: z.strictObject({ version: z.string().max(50), startedAt: z.iso.datetime(), epoch: z.uuid() }),
});
export type Snapshot = z.infer<typeof Snapshot>;

/** 32 bytes, base64url. */
const Nonce = z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'expected 32 bytes in base64url');
/** Ed25519: 64 bytes, base64url. */
const Signature = z.string().regex(/^[A-Za-z0-9_-]{86}$/, 'expected 64 bytes in base64url');

export const ReleaseCode = z.string().regex(/^\d{8}$/, 'expected 8 digits');

/**
 * Between the privileged daemon and the programs of a desk's user: names, never commands. A user is not trusted to judge
 * his own desk, so nothing here weakens the gate on his own word: no call waives or edits a rule or sets a verdict, and a
 * release needs a code that IT reads out, or root.
 * Evidence is judged by the daemon; an acknowledgement tells what the window did and changes nothing that was decided.
 * Every call may give `busy`: the caller asked for more than its share.
 */
export const localApi = {
  /** Proves that the listener holds the daemon's key: it signs `helloText` of this nonce and the socket's user. */
  hello: call(z.strictObject({ nonce: Nonce }), z.strictObject({ signature: Signature }), ['busy']),
  snapshot: call(z.void(), Snapshot, ['busy']),
  history: call(z.void(), DeskHistory, ['busy']),
  /** Runs the rules of one check, or all, now. */
  recheck: call(z.strictObject({ check: CheckId.optional() }), z.void(), ['unknown-check', 'too-soon', 'busy']),
  /** What a probe of venue `session` saw, or that it could not look. */
  submitEvidence: call(z.strictObject({ check: CheckId, reading: ProbeReading }), z.void(), [
    'unknown-check',
    'too-soon',
    'not-allowed',
    'busy',
  ]),
  /** What the CCP window did with the gate's state. */
  acknowledgeWindow: call(z.strictObject({ applied: z.enum(['open', 'banner', 'closed']), at: z.iso.datetime().max(40) }), z.void(), [
    'busy',
  ]),
  /** What the tray app's CCP window sees of a contact. It can hold up a close for as long as the policy lets it, and no longer. */
  reportActivity: call(z.strictObject({ says: CallActivity }), z.void(), ['busy']),
  /**
   * Opens the gate for an hour by the code (RFC 6238, 8 digits) that IT reads out for this device; root needs none. It is
   * recorded, and reported to the fleet.
   */
  release: call(z.strictObject({ code: ReleaseCode.optional() }), z.strictObject({ until: z.iso.datetime() }), [
    'wrong-code',
    'too-soon',
    'not-allowed',
    'not-enrolled',
    'busy',
  ]),
  verdictChanged: event(Verdict),
  gateChanged: event(GateStatus),
  progress: event(Progress),
};
export type LocalApi = typeof localApi;

/** What `hello` signs. It names the user whose socket was asked, so that an answer from one socket proves nothing on another. */
export function helloText(uid: number, nonce: string): string {
  return `deskwarden local api 1\n${uid}\n${nonce}`;
}

/**
 * On the wire a frame is the length of its body (4 bytes, big-endian), then the body: one of these as UTF-8 JSON. An empty
 * frame says only that its sender is there. Replies come in any order.
 */
const CallNumber = z.int().nonnegative();

export const ClientMessage = z.strictObject({ id: CallNumber, call: z.string().max(64), request: z.unknown().optional() });
export type ClientMessage = z.infer<typeof ClientMessage>;

export const DaemonMessage = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('value'), id: CallNumber, value: z.unknown().optional() }),
  z.strictObject({ type: z.literal('fault'), id: CallNumber, error: Fault }),
  z.strictObject({ type: z.literal('event'), event: z.string().max(64), payload: z.unknown() }),
  /** The last message: why the daemon ends the connection. */
  z.strictObject({ type: z.literal('closing'), error: Fault }),
]);
export type DaemonMessage = z.infer<typeof DaemonMessage>;
