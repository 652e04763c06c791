import { isCcpOrLogin } from '../ccp/ccp-origins.ts';
import {
  type CcpPermissionAsk,
  type DeviceAsk,
  mayHaveDevice,
  mayHavePermission,
  mayNavigate,
  mayOpen,
  mayRequest,
  type NavigationAsk,
  type PopupAsk,
  type RequestAsk,
  type Way,
} from '../ccp/ccp-rules.ts';
import type { CcpWindow } from '../ccp/ccp-window.ts';
import { pageMayHave, pageMayNavigate, pageMayRequest } from './page-rules.ts';
import { isPage, type WindowKind } from './window-spec.ts';

/** What a session lets happen; everything that is not asked here stays refused. */
export interface SessionRules {
  mayHave(kind: WindowKind | null, ask: CcpPermissionAsk): boolean;
  mayHaveDevice(ask: DeviceAsk): boolean;
  mayRequest(ask: RequestAsk): boolean;
}

export const denyingSession: SessionRules = { mayHave: () => false, mayHaveDevice: () => false, mayRequest: () => false };

export const pageSession: SessionRules = {
  mayHave: (kind, ask) => kind !== null && isPage(kind) && pageMayHave(kind, ask),
  mayHaveDevice: () => false,
  mayRequest: ({ url }) => pageMayRequest(url),
};

/** Of the moment: the policy can name another instance at any time, and the gate can close. */
export function ccpSessionRules({ places, isShut }: Pick<CcpWindow, 'places' | 'isShut'>): SessionRules {
  return {
    // A worker of the CCP belongs to no window.
    mayHave: (kind, ask) => (kind === 'ccp' || kind === null) && mayHavePermission(places(), ask),
    mayHaveDevice: (ask) => mayHaveDevice(places(), ask),
    mayRequest: (ask) => mayRequest(places(), isShut(), ask),
  };
}

/** What `navigator.hid` may be given: nobody is asked, so it is the first that may be had at all. `origin`: null of a frame that is gone. */
export function chooseHidDevice(
  { mayHaveDevice }: SessionRules,
  origin: string | null,
  devices: readonly { deviceId: string; usagePages: readonly number[] }[],
): string | null {
  if (origin === null) return null;
  return devices.find(({ usagePages }) => mayHaveDevice({ deviceType: 'hid', origin, usagePages }))?.deviceId ?? null;
}

/** Of the certificates that this user has and `server` takes (`host:port`): nobody is asked, so it is the only one, or none. */
export function chooseCertificate<C>(rules: Pick<ContentsRules, 'mayShowCertificate'>, server: string, fitting: readonly C[]): C | null {
  const [only, ...others] = fitting;
  return only !== undefined && others.length === 0 && rules.mayShowCertificate(server) ? only : null;
}

export interface ContentsRules {
  wayOf(kind: WindowKind | null, ask: NavigationAsk): Way;
  popupWayOf(kind: WindowKind | null, ask: PopupAsk): Way;
  /** Whether a server may have the user's certificate; `server` as `host:port`. */
  mayShowCertificate(server: string): boolean;
}

/** A page of ours opens nothing; a window that nobody knows goes nowhere. */
export function contentsRules({ places }: Pick<CcpWindow, 'places'>): ContentsRules {
  return {
    wayOf(kind, ask) {
      if (kind === 'ccp') return mayNavigate(places(), ask);
      return ask.isMainFrame && pageMayNavigate(kind, ask.url) ? { to: 'window' } : { to: 'nowhere' };
    },
    mayShowCertificate: (server) => isCcpOrLogin(places(), `https://${server}`),
    popupWayOf: (kind, ask) => (kind === 'ccp' ? mayOpen(places(), ask) : { to: 'nowhere' }),
  };
}
