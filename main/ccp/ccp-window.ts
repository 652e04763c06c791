import type { CcpState, CcpTrouble } from '../../contracts/ipc.ts';
import type { WindowApplied } from '../desk/desk.ts';
import type { WindowBounds } from '../settings.ts';
import { bothPlaces, type CcpPlaces } from './ccp-origins.ts';
import type { CcpPorts } from './ccp-ports.ts';
import { type CcpFace, chooseFace, MAX_HELD_MS } from './choose-face.ts';
import { createLastWord, type FollowedView } from './last-word.ts';
import { startLoading } from './loading.ts';
import { createOwnCall } from './own-call.ts';
import { createPanes, type OpenCcp } from './panes.ts';
import { createReloadOffer } from './reload-offer.ts';

const stateOf: Readonly<Record<CcpFace, CcpState>> = {
  nothing: 'not-open',
  ccp: 'open',
  banner: 'banner',
  held: 'banner',
  unreachable: 'unreachable',
  blocked: 'blocked',
};

export interface CcpWindow {
  follow(view: FollowedView): void;
  /** By the user: in front, and the page of ours where one stands in its place. */
  open(): 'opened' | 'not-configured';
  /** For the rules of its session. */
  places(): CcpPlaces;
  isShut(): boolean;
  isOnCall(): boolean;
  /** The app ends: what is open is remembered as it is. */
  stop(): void;
}

export function createCcpWindow(ports: CcpPorts): CcpWindow {
  const { after } = ports;
  /** Of a step, which is one instant: silence that lasts long enough only while it goes on would have nobody wait for it. */
  let stepMs: number | null = null;
  const monotonicMs = () => stepMs ?? ports.monotonicMs();
  let isWanted = ports.wasOpen();
  let face: CcpFace = 'nothing';
  let heldSinceMs: number | null = null;
  let applied: WindowApplied | null = null;
  let shown: { state: CcpState; trouble: CcpTrouble | null } | null = null;
  let isStopped = false;
  let stopWaiting = () => {};
  let stopClosing = () => {};
  const call = createOwnCall({ ...ports, monotonicMs });
  const word = createLastWord(monotonicMs, call.wasSilentSince);
  const offer = createReloadOffer(ports, (isAccepted) => {
    if (isStopped) return;
    if (!isAccepted) setWanted(false);
    step();
  });

  const isMediaLive = () => panes.ccp() !== null && call.isLive();
  /** Silence is no proof: a chat, a desk phone and a call on hold play nothing here. */
  const isIdle = () => !isMediaLive() && word.orders()?.isIdle === true;
  const heldMs = () => (heldSinceMs === null ? 0 : monotonicMs() - heldSinceMs);

  const setWanted = (wanted: boolean) => {
    if (isWanted === wanted) return;
    isWanted = wanted;
    ports.rememberOpen(wanted, panes.place());
  };

  const closeCcp = () => {
    panes.closeCcp();
    call.end();
  };

  const openCcp = (url: string, at: WindowBounds | null): OpenCcp => {
    /** Events of a window that is gone, or of one before it, say nothing. */
    const isMine = () => panes.ccp() === made && !isStopped;
    const window = ports.openCcp(url, at, {
      onClosing() {
        // Electron must not lose a window while it asks whether it may close it; nor may an old one linger beside a new one.
        stopClosing();
        if (isMine()) stopClosing = after(0, () => isMine() && closeByUser());
        return isStopped;
      },
      onGone() {
        if (!isMine()) return;
        panes.forgetCcp();
        call.end();
        setWanted(false);
        step();
      },
      onMedia: (isLive) => isMine() && call.plays(isLive) && step(),
      onCrashed: () => isMine() && crashed(),
      onLoaded: () => isMine() && loading.loaded(),
      onFailed: (failure) => isMine() && loading.failed(failure),
      onRefused: (refusedUrl) => isMine() && loading.refused(refusedUrl),
    });
    const loading = startLoading({ url, load: window.load, isOnCall: isMediaLive, after, onChange: () => step() });
    const made: OpenCcp = { window, url, places: word.orders()?.places ?? null, loading };
    return made;
  };

  const panes = createPanes({
    ...ports,
    openCcp,
    onBlockedGone() {
      if (isStopped) return;
      setWanted(false);
      step();
    },
  });

  const closeByUser = () => {
    // Without its window a call has no sound any more, and gets none back.
    if (isMediaLive()) return panes.ccp()?.window.minimise();
    closeCcp();
    setWanted(false);
    step();
  };

  const crashed = () => {
    closeCcp();
    const next = chooseNext();
    // Where it would not come back anyway there is nothing to ask.
    if (next === 'ccp' || next === 'banner') {
      if (offer.mayAsk()) offer.ask();
      else setWanted(false);
    }
    step();
  };

  const chooseNext = (): CcpFace => {
    const ccp = panes.ccp();
    const [orders, gate] = [word.orders(), word.gate()];
    return chooseFace({
      orders: orders && gate && { url: orders.url, gate },
      isWanted,
      isThere: ccp !== null,
      isEmpty: ccp !== null && ccp.loading.trouble() !== null,
      isMediaLive: isMediaLive(),
      isIdle: isIdle(),
      heldMs: heldMs(),
    });
  };

  const step = () => {
    if (isStopped) return;
    const outerMs = stepMs;
    stepMs = ports.monotonicMs();
    try {
      settle();
    } finally {
      stepMs = outerMs;
    }
  };

  const settle = () => {
    stopWaiting();
    stopWaiting = () => {};
    if (!word.isGateClosed()) heldSinceMs = null;
    const url = word.orders()?.url ?? null;
    const ccp = panes.ccp();
    const isEmpty = ccp !== null && ccp.loading.trouble() !== null && !isMediaLive();
    // Another instance: this window would be refused everything by its own rules.
    if (ccp && url !== null && ccp.url !== url && (isIdle() || isEmpty)) closeCcp();
    face = chooseNext();
    if (face === 'blocked' || face === 'nothing') offer.cancel();
    if (offer.isAsking()) face = 'nothing';
    if (face === 'held') heldSinceMs ??= monotonicMs();
    const wasThere = panes.ccp() !== null;
    panes.show(face, url);
    if (wasThere && panes.ccp() === null) call.end();
    tell();
    waitFor();
  };

  const tell = () => {
    const ccp = panes.ccp();
    const state = face === 'nothing' && word.orders()?.url === null ? 'not-configured' : stateOf[face];
    const trouble = face === 'unreachable' && ccp ? ccp.loading.trouble() : null;
    if (state !== shown?.state || trouble !== shown.trouble) {
      shown = { state, trouble };
      ports.show(state, trouble);
    }
    // Before the daemon said anything, there is nothing that was done about it.
    if (word.orders())
      acknowledge(panes.ccp() === null ? (word.isGateClosed() ? 'closed' : 'open') : panes.hasBanner() ? 'banner' : 'open');
    call.report(panes.ccp() !== null);
  };

  const acknowledge = (next: WindowApplied) => {
    if (next === applied) return;
    applied = next;
    ports.acknowledge(next);
  };

  /** What time alone changes. */
  const waitFor = () => {
    const waits = word.changesInMs();
    const settlesInMs = panes.ccp() === null ? null : call.settlesInMs();
    if (settlesInMs !== null) waits.push(settlesInMs);
    if (face === 'held') waits.push(MAX_HELD_MS - heldMs());
    // Whoever is shown the state may have had it looked at again by now.
    stopWaiting();
    if (waits.length > 0) stopWaiting = after(Math.max(0, Math.min(...waits)), step);
  };

  return {
    follow(view) {
      const before = JSON.stringify(word.orders()?.places);
      word.hear(view);
      if (JSON.stringify(word.orders()?.places) !== before) panes.ccp()?.loading.again();
      step();
    },
    open() {
      const orders = word.orders();
      if (!orders || orders.url === null) return 'not-configured';
      offer.cancel();
      setWanted(true);
      const ccp = panes.ccp();
      // Who opens it anew wants the one that the policy names now.
      if (ccp && ccp.url !== orders.url && !isMediaLive()) closeCcp();
      panes.ccp()?.loading.again();
      step();
      panes.inFront()?.bringForward();
      return 'opened';
    },
    places: () => bothPlaces(panes.ccp()?.places ?? null, word.orders()?.places ?? null),
    isShut: () => word.isGateClosed() && face !== 'held',
    isOnCall: isMediaLive,
    stop() {
      if (isStopped) return;
      isStopped = true;
      ports.rememberOpen(isWanted, panes.place());
      offer.cancel();
      stopWaiting();
      stopClosing();
      call.stop();
      panes.ccp()?.loading.stop();
    },
  };
}
