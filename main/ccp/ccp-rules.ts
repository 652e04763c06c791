import { type CcpPlaces, isCcp, isCcpOrLogin, isForBrowser } from './ccp-origins.ts';

/** What somebody in the CCP's session asks for; `permission` as Chromium calls it. */
export interface CcpPermissionAsk {
  permission: string;
  /** Address or origin of the frame that asks. */
  from: string;
  /** Of the page in the window. Null where that is not told: then only a main frame counts, which is its own page. */
  embeddedIn: string | null;
  isMainFrame: boolean;
  /** For `media`: what of it; empty where that is not told. */
  media: readonly string[];
}

/**
 * The headset, the ring, the text of a contact to copy. `hid` only lets the page ask for a device, see `mayHaveDevice`, and
 * `loopback-network` only lets it ask this computer, see `mayRequest`. Chromium had one permission for that and for the local
 * network, `local-network-access`, before 145.
 */
const ofCcp = new Set(['speaker-selection', 'clipboard-sanitized-write', 'notifications', 'hid', 'loopback-network']);

/** Both the frame and the page around it are the CCP's, or there is no. */
export function mayHavePermission(places: CcpPlaces, { permission, from, embeddedIn, isMainFrame, media }: CcpPermissionAsk): boolean {
  const isEmbeddedWell = embeddedIn === null ? isMainFrame : isCcp(places, embeddedIn);
  if (!isCcp(places, from) || !isEmbeddedWell) return false;
  // A screen that is shared asks as `media` too in some versions, and then for nothing or for video.
  if (permission === 'media') return media.length > 0 && media.every((kind) => kind === 'audio');
  return ofCcp.has(permission);
}

export interface DeviceAsk {
  deviceType: string;
  origin: string;
  usagePages: readonly number[];
}

/** Telephony, of the USB HID usage tables: the keys of a headset that take and end a call. */
const TELEPHONY_PAGE = 0x0b;

/** A keyboard says nothing of telephony; a headset may say more beside it. */
export function mayHaveDevice(places: CcpPlaces, { deviceType, origin, usagePages }: DeviceAsk): boolean {
  return deviceType === 'hid' && isCcp(places, origin) && usagePages.includes(TELEPHONY_PAGE);
}

export type Way = { to: 'window' } | { to: 'browser'; url: string } | { to: 'nowhere' };
const window: Way = { to: 'window' };
const nowhere: Way = { to: 'nowhere' };

export interface NavigationAsk {
  url: string;
  /** The frame that would go there is the window's own. */
  isMainFrame: boolean;
  /** Who asks is the window's own frame. */
  byMainFrame: boolean;
  /** The user touched the page just now. */
  byUser: boolean;
  /** A server's answer sends it on: nobody pressed that. */
  isRedirect: boolean;
}

/** Documents that a frame starts with; their content comes from the page around. */
const emptyDocuments = new Set(['about:blank', 'about:srcdoc']);

/** Redirects are asked for each of their stations. */
export function mayNavigate(places: CcpPlaces, { url, isMainFrame, byMainFrame, byUser, isRedirect }: NavigationAsk): Way {
  if (isCcpOrLogin(places, url)) return window;
  if (!isMainFrame) return emptyDocuments.has(url) ? window : nowhere;
  return byUser && byMainFrame && !isRedirect && isForBrowser(url) ? { to: 'browser', url } : nowhere;
}

export interface PopupAsk {
  url: string;
  /** A form that would be posted into it: what it carries cannot be handed to a browser. */
  posts: boolean;
}

/**
 * A sign-in gets a window beside, of the same session. Anything else is for the browser, without a touch of the user too: the CCP
 * opens the customer's page when a contact arrives.
 */
export function mayOpen(places: CcpPlaces, { url, posts }: PopupAsk): Way {
  if (isCcpOrLogin(places, url)) return window;
  return !posts && isForBrowser(url) ? { to: 'browser', url } : nowhere;
}

export interface RequestAsk {
  url: string;
  /** As Electron names it: `mainFrame`, `subFrame`, `xhr`, `webSocket`, ... */
  resourceType: string;
}

const schemes = new Set(['https:', 'wss:', 'data:', 'blob:']);

/** Amazon's screen recording client, to which the CCP talks on this computer (AWS: port 5431 on Windows). */
const screenRecorders = new Set(['ws://localhost:5431', 'ws://127.0.0.1:5431']);

/** Asked for each request and each station of its redirects. `isShut`: the gate is closed to this window. */
export function mayRequest(places: CcpPlaces, isShut: boolean, { url, resourceType }: RequestAsk): boolean {
  if (isShut || !URL.canParse(url)) return false;
  const { protocol, host, hostname } = new URL(url);
  // A frame of `blob:` or `data:` could not be gone to either.
  if (resourceType === 'mainFrame' || resourceType === 'subFrame') return isCcpOrLogin(places, url);
  if (isThisComputer(hostname)) return resourceType === 'webSocket' && screenRecorders.has(`${protocol}//${host}`);
  return schemes.has(protocol);
}

/** By its address, as `URL` writes it; a name that leads here is Chromium's to see, where its address space is no longer public. */
function isThisComputer(hostname: string): boolean {
  const name = hostname.replace(/\.$/, '');
  const isName = name === 'localhost' || name.endsWith('.localhost');
  return isName || /^127\.\d+\.\d+\.\d+$|^0\.0\.0\.0$|^\[::1?\]$|^\[::ffff:7f/.test(name);
}
