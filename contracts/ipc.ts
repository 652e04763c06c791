import { z } from 'zod';
import { call, event } from './call.ts';
import { DeskHistory } from './desk-history.ts';
import { CheckId } from './finding.ts';
import { ProbeReading, ReleaseCode, Snapshot } from './local-api.ts';

/** Languages of the texts; `auto` follows the operating system. */
export const LocaleChoice = z.enum(['auto', 'en', 'zh-TW', 'zh-CN', 'ko']);
export type LocaleChoice = z.infer<typeof LocaleChoice>;

/** How the tray app stands to the daemon. */
export const DaemonLink = z.enum([
  /** Not asked yet, for the first seconds only. */
  'connecting',
  'connected',
  /** It was there, and is being looked for again; what was last heard is old. */
  'reconnecting',
  /** It was never there, or not for a while. */
  'absent',
  /** Somebody else listens where it should, or it is of a version that we do not understand. */
  'not-the-daemon',
]);
export type DaemonLink = z.infer<typeof DaemonLink>;

/** What the window of the CCP shows. */
export const CcpState = z.enum([
  /** The policy names no instance. */
  'not-configured',
  'not-open',
  'open',
  /** Open, with a banner: it will close when the call ends, or (`observe`) would. */
  'banner',
  'blocked',
  /** A page of ours stands in its place, since it cannot be loaded; see `CcpTrouble`. */
  'unreachable',
]);
export type CcpState = z.infer<typeof CcpState>;

/** Why the window of the CCP shows nothing of it; `host` with its port where that is not 443. */
export const CcpTrouble = z.discriminatedUnion('kind', [
  /** `error` as Chromium names it; null where nothing came for long. */
  z.strictObject({ kind: z.literal('cannot-load'), host: z.string().max(300), error: z.string().max(100).nullable() }),
  /** It leads to a page that the policy names neither as the CCP's nor as its sign-in's. */
  z.strictObject({ kind: z.literal('not-in-policy'), host: z.string().max(300) }),
]);
export type CcpTrouble = z.infer<typeof CcpTrouble>;

/** All that the app's own pages show of a moment. */
export const DeskView = z.strictObject({
  link: DaemonLink,
  /** The last that was heard; null before the first. */
  snapshot: Snapshot.nullable(),
  /** When the snapshot was heard. */
  heardAt: z.iso.datetime().nullable(),
  /** Checks that run now. */
  looking: z.array(CheckId).max(200),
  ccp: CcpState,
  /** Not null while `ccp` is `unreachable`. */
  ccpTrouble: CcpTrouble.nullable(),
  locale: z.strictObject({ choice: LocaleChoice, inUse: LocaleChoice.exclude(['auto']) }),
  /** Names the app and the operating system to people; steps of a fix differ by platform. */
  app: z.strictObject({ version: z.string().max(50), platform: z.enum(['win32', 'darwin', 'linux']) }),
});
export type DeskView = z.infer<typeof DeskView>;

export const ProbeTask = z.strictObject({
  /** Answered with the same number. */
  task: z.int().nonnegative(),
  check: CheckId,
  params: z.record(z.string(), z.unknown()),
  turn: Snapshot.shape.session.shape.turn,
});
export type ProbeTask = z.infer<typeof ProbeTask>;

/**
 * Between the main process and the app's own pages: the posture window, the page in place of a blocked CCP, the banner over a
 * draining one, and the hidden page of session probes. Each kind of page may make the calls of its row in `callsOfPage` and no
 * others; the CCP itself has no preload and can make none.
 */
export const ipc = {
  view: call(z.void(), DeskView, []),
  history: call(z.void(), DeskHistory, ['busy', 'no-daemon']),
  /** Runs the rules of one check, or all, now. */
  recheck: call(z.strictObject({ check: CheckId.optional() }), z.void(), ['unknown-check', 'too-soon', 'busy', 'no-daemon']),
  openCcp: call(z.void(), z.void(), ['not-allowed']),
  openPosture: call(z.void(), z.void(), []),
  /** Writes a support bundle to the user's folder of downloads and shows it there. */
  saveBundle: call(z.void(), z.strictObject({ path: z.string().max(4_096) }), ['busy', 'no-daemon']),
  setLocale: call(z.strictObject({ choice: LocaleChoice }), z.void(), []),
  /** By the code that IT reads out. */
  release: call(z.strictObject({ code: ReleaseCode }), z.strictObject({ until: z.iso.datetime() }), [
    'wrong-code',
    'too-soon',
    'not-allowed',
    'not-enrolled',
    'busy',
    'no-daemon',
  ]),
  /** A microphone, a headset or a loudspeaker came or went. The main process itself is told of none. */
  devicesChanged: call(z.void(), z.void(), []),
  /** The hidden page is ready for tasks. */
  probeReady: call(z.void(), z.void(), []),
  probeDone: call(z.strictObject({ task: z.int().nonnegative(), reading: ProbeReading }), z.void(), []),
  viewChanged: event(DeskView),
  probe: event(ProbeTask),
};
export type Ipc = typeof ipc;

export const PageName = z.enum(['posture', 'blocked', 'banner', 'probe']);
export type PageName = z.infer<typeof PageName>;

export const callsOfPage = {
  posture: ['view', 'history', 'recheck', 'openCcp', 'saveBundle', 'setLocale', 'release', 'devicesChanged'],
  blocked: ['view', 'recheck', 'openPosture', 'devicesChanged'],
  banner: ['view', 'openPosture'],
  probe: ['probeReady', 'probeDone'],
} as const satisfies Record<PageName, readonly (keyof Ipc)[]>;

export const eventsOfPage = {
  posture: ['viewChanged'],
  blocked: ['viewChanged'],
  banner: ['viewChanged'],
  probe: ['probe'],
} as const satisfies Record<PageName, readonly (keyof Ipc)[]>;
