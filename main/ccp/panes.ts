import type { WindowBounds } from '../settings.ts';
import type { CcpPlaces } from './ccp-origins.ts';
import type { CcpPorts, CcpWindowHandle, LivingWindow } from './ccp-ports.ts';
import type { CcpFace } from './choose-face.ts';
import type { Loading } from './loading.ts';

export interface OpenCcp {
  window: CcpWindowHandle;
  url: string;
  places: CcpPlaces;
  loading: Loading;
}

interface PanesPorts extends Pick<CcpPorts, 'openBlocked' | 'openBanner'> {
  openCcp(url: string, at: WindowBounds | null): OpenCcp;
  /** Its user closed our page in place of the CCP. */
  onBlockedGone(): void;
}

/** At most one window of each kind, each where the one before it stood. Whether there is a call in one is not asked here. */
export function createPanes(ports: PanesPorts) {
  let ccp: OpenCcp | null = null;
  let isHidden = false;
  let blocked: LivingWindow | null = null;
  let banner: Pick<LivingWindow, 'destroy'> | null = null;
  let place: WindowBounds | null = null;

  const closeBanner = () => {
    banner?.destroy();
    banner = null;
  };

  /** It is gone by itself. */
  const forgetCcp = () => {
    if (!ccp) return;
    closeBanner();
    place = ccp.window.bounds();
    ccp.loading.stop();
    ccp = null;
    isHidden = false;
  };

  const closeCcp = () => {
    const window = ccp?.window;
    forgetCcp();
    window?.destroy();
  };

  const closeBlocked = () => {
    if (!blocked) return;
    place = blocked.bounds();
    const window = blocked;
    blocked = null;
    window.destroy();
  };

  const openBanner = (over: CcpWindowHandle) => {
    if (banner) return;
    const made = ports.openBanner(over, () => {
      if (banner === made) banner = null;
    });
    banner = made;
  };

  const openBlocked = () => {
    if (blocked) return;
    const made = ports.openBlocked(ccp?.window.bounds() ?? place, () => {
      if (!blocked || blocked !== made) return;
      place = made.bounds();
      blocked = null;
      ports.onBlockedGone();
    });
    blocked = made;
  };

  return {
    ccp: () => ccp,
    hasBanner: () => banner !== null,
    /** What its user is to see. */
    inFront: (): LivingWindow | null => blocked ?? ccp?.window ?? null,
    place: () => (ccp?.window ?? blocked)?.bounds() ?? place,
    forgetCcp,
    closeCcp,
    show(face: CcpFace, url: string | null) {
      const isBehind = face === 'unreachable';
      const hasCcp = isBehind || face === 'ccp' || face === 'banner' || face === 'held';
      if (!hasCcp) closeCcp();
      if (face !== 'blocked' && !isBehind) closeBlocked();
      if (hasCcp && !ccp && url !== null) ccp = ports.openCcp(url, place);
      if (face === 'blocked' || isBehind) openBlocked();
      if (ccp && isBehind !== isHidden) ccp.window.setHidden(isBehind);
      isHidden = isBehind;
      if (ccp && (face === 'banner' || face === 'held')) openBanner(ccp.window);
      else closeBanner();
    },
  };
}
