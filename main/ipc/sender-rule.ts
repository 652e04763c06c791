import { callsOfPage, eventsOfPage, type Ipc, type PageName } from '../../contracts/ipc.ts';

export const UI_ORIGIN = 'app://ui';

/** Who sent a call, as the main process knows it: nothing of it is the sender's own word. */
export interface Sender {
  /** The page that its window was made for; null for any other window. */
  page: PageName | null;
  isTopFrame: boolean;
  /** Of the frame, at this moment. */
  url: string;
}

export function pageUrl(page: PageName): string {
  return `${UI_ORIGIN}/${page}.html`;
}

/** A page's own address, whatever it put behind the hash. */
export function isPageUrl(page: PageName, url: string): boolean {
  return url === pageUrl(page) || url.startsWith(`${pageUrl(page)}#`);
}

/** Null when this sender may make this call. A window of ours that shows something else is a stranger. */
export function senderFlaw({ page, isTopFrame, url }: Sender, name: string): string | null {
  if (page === null) return 'not a window of ours';
  if (!isTopFrame) return 'not the top frame';
  if (!isPageUrl(page, url)) return 'not our page';
  return (callsOfPage[page] as readonly string[]).includes(name) ? null : `"${name.slice(0, 100)}" is no call of "${page}"`;
}

export function mayHear(page: PageName, name: keyof Ipc): boolean {
  return (eventsOfPage[page] as readonly string[]).includes(name);
}
