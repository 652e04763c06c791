import type { CcpState, DeskView } from '../../contracts/ipc.ts';
import type { WindowApplied } from '../desk/desk.ts';
import type { WindowBounds } from '../settings.ts';
import { bothPlaces, type CcpPlaces } from './ccp-origins.ts';
import type { CcpPorts, CcpWindowEvents, CcpWindowHandle, LivingWindow } from './ccp-ports.ts';
import { type CcpFace, type CcpOrders, chooseFace, MAX_HELD_MS, ordersOf } from './choose-face.ts';

/** The daemon takes a word of activity for 15 s: three chances. */
export const REPORT_EVERY_MS = 5_000;
/** Between the ring and the voice, and while a connection is made anew, nothing plays for a moment. */
export const MEDIA_SETTLES_MS = 3_000;
/** A page that falls over again so soon after it was opened anew is not offered again. */
const CRASHED_AGAIN_MS = 60_000;
/** The network may be back only a moment after the gate opened. */
export const LOAD_AGAIN_MS = 10_000;
/** ERR_ABORTED: another navigation took its place. ERR_BLOCKED_BY_CLIENT: our own rules refused it, and would again. */
const notWorthRepeating = new Set([-3, -20]);

const stateOf: Readonly<Record<CcpFace, CcpState>> = {
  nothing: 'not-open',
  ccp: 'open',
  banner: 'banner',
  held: 'banner',
  blocked: 'blocked',
};

export interface CcpWindow {
  follow(view: Pick<DeskView, 'link' | 'snapshot'>): void;
  /** By the user: in front, and the blocked page where the gate is closed. */
  open(): 'opened' | 'not-configured';
  /** For the rules of its session. */
  places(): CcpPlaces;
  isShut(): boolean;
  isOnCall(): boolean;
  /** The app ends: what is open is remembered as it is. */
  stop(): void;
}

export function createCcpWindow(ports: CcpPorts): CcpWindow {
  let orders: CcpOrders | null = null;
  let isWanted = ports.wasOpen();
  let face: CcpFace = 'nothing';
  let ccp: { window: CcpWindowHandle; url: string; number: number; places: CcpPlaces } | null = null;
  let opened = 0;
  let blocked: LivingWindow | null = null;
  let banner: Pick<LivingWindow, 'destroy'> | null = null;
  let place: WindowBounds | null = null;
  let isPlaying = false;
  let playedMs = Number.NEGATIVE_INFINITY;
  let heldSinceMs: number | null = null;
  /** It fell over, and whether to open it again is asked. */
  let isDown = false;
  let reopenedMs = Number.NEGATIVE_INFINITY;
  let applied: WindowApplied | null = null;
  let reported: 'on-call' | 'unknown' | null = null;
  let shown: CcpState | null = null;
  let isStopped = false;
  let stopWaiting = () => {};
  let stopReporting = () => {};
  let stopLoading = () => {};

  const isMediaLive = () => ccp !== null && (isPlaying || ports.monotonicMs() - playedMs < MEDIA_SETTLES_MS);
  /** Silence is no proof: a chat, a desk phone and a call on hold play nothing here. */
  const isIdle = () => !isMediaLive() && orders?.isIdle === true;
  const isGateClosed = () => orders?.gate.acting === true && orders.gate.state === 'closed';
  const heldMs = () => (heldSinceMs === null ? 0 : ports.monotonicMs() - heldSinceMs);

  const closeBanner = () => {
    banner?.destroy();
    banner = null;
  };

  const closeCcp = () => {
    closeBanner();
    if (!ccp) return;
    place = ccp.window.bounds();
    const { window } = ccp;
    forgetCcp();
    window.destroy();
  };

  const forgetCcp = () => {
    stopLoading();
    ccp = null;
    isPlaying = false;
    playedMs = Number.NEGATIVE_INFINITY;
  };

  const closeBlocked = () => {
    if (!blocked) return;
    place = blocked.bounds();
    const window = blocked;
    blocked = null;
    window.destroy();
  };

  const setWanted = (wanted: boolean) => {
    if (isWanted === wanted) return;
    isWanted = wanted;
    ports.rememberOpen(wanted, place);
  };

  /** Events of a window that is gone, or of one before it, say nothing. */
  const eventsOf = (number: number): CcpWindowEvents => ({
    onClosing() {
      if (ccp?.number !== number || isStopped) return true;
      // Without its window a call has no sound any more, and gets none back.
      if (isMediaLive()) {
        ccp.window.minimise();
        return false;
      }
      closeBanner();
      place = ccp.window.bounds();
      forgetCcp();
      setWanted(false);
      step();
      return true;
    },
    onGone() {
      if (ccp?.number !== number || isStopped) return;
      closeBanner();
      place = ccp.window.bounds();
      forgetCcp();
      setWanted(false);
      step();
    },
    onMedia(isLive) {
      if (ccp?.number !== number || isLive === isPlaying) return;
      isPlaying = isLive;
      playedMs = ports.monotonicMs();
      step();
    },
    onCrashed() {
      if (ccp?.number !== number) return;
      closeCcp();
      // One that falls over again at once would only do it again.
      if (ports.monotonicMs() - reopenedMs < CRASHED_AGAIN_MS) setWanted(false);
      else offerReload();
      step();
    },
    onFailed(code, isMainFrame) {
      if (ccp?.number !== number || !isMainFrame || notWorthRepeating.has(code) || isStopped) return;
      const { window, url } = ccp;
      stopLoading();
      // A page that came back meanwhile, and in which somebody talks, is not loaded anew.
      stopLoading = ports.after(LOAD_AGAIN_MS, () => isMediaLive() || window.load(url));
    },
  });

  const offerReload = () => {
    isDown = true;
    const answered = (isAccepted: boolean) => {
      if (!isDown || isStopped) return;
      isDown = false;
      if (isAccepted) reopenedMs = ports.monotonicMs();
      else setWanted(false);
      step();
    };
    void ports.offerReload().then(answered, () => answered(false));
  };

  const step = () => {
    if (isStopped) return;
    stopWaiting();
    stopWaiting = () => {};
    if (!isGateClosed()) heldSinceMs = null;
    face = chooseFace({
      orders,
      isWanted: isWanted && !isDown,
      isThere: ccp !== null,
      isMediaLive: isMediaLive(),
      isIdle: isIdle(),
      heldMs: heldMs(),
    });
    if (face === 'held') heldSinceMs ??= ports.monotonicMs();
    apply(face);
    tell(face);
    waitFor(face);
  };

  const apply = (next: CcpFace) => {
    const url = orders?.url ?? null;
    const isCcp = next === 'ccp' || next === 'banner' || next === 'held';
    // Another instance: this window would be refused everything by its own rules.
    if (ccp && (!isCcp || (url !== null && ccp.url !== url && isIdle()))) closeCcp();
    if (next !== 'blocked') closeBlocked();
    if (isCcp && !ccp && url !== null) {
      opened += 1;
      ccp = { window: ports.openCcp(url, place, eventsOf(opened)), url, number: opened, places: orders?.places ?? null };
    }
    if (next === 'blocked' && !blocked) openBlocked();
    if (ccp && (next === 'banner' || next === 'held')) openBanner(ccp.window);
    else closeBanner();
  };

  const openBanner = (over: CcpWindowHandle) => {
    if (banner) return;
    const made = ports.openBanner(over, () => {
      if (banner === made) banner = null;
    });
    banner = made;
  };

  const openBlocked = () => {
    const onGone = () => {
      if (!blocked || blocked !== made || isStopped) return;
      place = made.bounds();
      blocked = null;
      setWanted(false);
      step();
    };
    const made = ports.openBlocked(place, onGone);
    blocked = made;
  };

  const tell = (next: CcpFace) => {
    const state = next === 'nothing' && orders?.url === null ? 'not-configured' : stateOf[next];
    if (state !== shown) {
      shown = state;
      ports.show(state);
    }
    // Before the daemon said anything, there is nothing that was done about it.
    if (orders) acknowledge(ccp === null ? (isGateClosed() ? 'closed' : 'open') : banner ? 'banner' : 'open');
    report();
  };

  const acknowledge = (next: WindowApplied) => {
    if (next === applied) return;
    applied = next;
    ports.acknowledge(next);
  };

  /** What is not heard here may be a chat, a desk phone or another window: that is no proof of no call. */
  const report = () => {
    const says = isMediaLive() ? 'on-call' : 'unknown';
    if (says === reported || (reported === null && ccp === null)) return;
    sayActivity(says);
  };

  const sayActivity = (says: 'on-call' | 'unknown') => {
    reported = says;
    stopReporting();
    ports.reportActivity(says);
    stopReporting = ccp === null ? () => {} : ports.after(REPORT_EVERY_MS, () => sayActivity(isMediaLive() ? 'on-call' : 'unknown'));
  };

  /** What time alone changes. */
  const waitFor = (next: CcpFace) => {
    const waits: number[] = [];
    if (!isPlaying && isMediaLive()) waits.push(playedMs + MEDIA_SETTLES_MS - ports.monotonicMs());
    if (next === 'held') waits.push(MAX_HELD_MS - heldMs());
    // Whoever is shown the state may have had it looked at again by now.
    stopWaiting();
    if (waits.length > 0) stopWaiting = ports.after(Math.max(0, Math.min(...waits)), step);
  };

  return {
    follow(view) {
      orders = ordersOf(view) ?? orders;
      step();
    },
    open() {
      if (!orders || orders.url === null) return 'not-configured';
      isDown = false;
      setWanted(true);
      // Who opens it anew wants the one that the policy names now.
      if (ccp && ccp.url !== orders.url && !isMediaLive()) closeCcp();
      step();
      (ccp?.window ?? blocked)?.bringForward();
      return 'opened';
    },
    places: () => bothPlaces(ccp?.places ?? null, orders?.places ?? null),
    isShut: () => isGateClosed() && face !== 'held',
    isOnCall: isMediaLive,
    stop() {
      if (isStopped) return;
      isStopped = true;
      ports.rememberOpen(isWanted, (ccp?.window ?? blocked)?.bounds() ?? place);
      stopWaiting();
      stopReporting();
      stopLoading();
    },
  };
}
