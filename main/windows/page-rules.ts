import type { PageName } from '../../contracts/ipc.ts';
import type { CcpPermissionAsk } from '../ccp/ccp-rules.ts';
import { isPageUrl, UI_ORIGIN } from '../ipc/sender-rule.ts';

/** Only the hidden page looks at the microphone, to see whether there is one and whether it hears; none of ours sees a picture. */
export function pageMayHave(page: PageName | null, { permission, from, media, isMainFrame }: CcpPermissionAsk): boolean {
  const isAudioOnly = media.length > 0 && media.every((kind) => kind === 'audio');
  return page === 'probe' && isMainFrame && permission === 'media' && isAudioOnly && originOf(from) === UI_ORIGIN;
}

/** A page stays what it is: all it may go to is another place of its own. */
export function pageMayNavigate(page: PageName | null, url: string): boolean {
  return page !== null && isPageUrl(page, url);
}

/** All that our pages are made of comes with the app. */
export function pageMayRequest(url: string): boolean {
  return originOf(url) === UI_ORIGIN;
}

/** `URL` gives `null` as the origin of a scheme that is not the web's. */
function originOf(text: string): string | null {
  if (!URL.canParse(text)) return null;
  const { protocol, host, username, password } = new URL(text);
  return username === '' && password === '' ? `${protocol}//${host}` : null;
}
