import { send } from '../chromium/browser.ts';
import type { Protocol } from '../chromium/cdp.ts';
import { fromBrowser, originOf, toBrowser } from '../schemes.ts';
import type { RigFrame } from '../web-frame.ts';
import type { RigContents } from './contents.ts';
import { electronOf } from './web-contents.ts';

export interface PermissionQuestion {
  permission: string;
  mediaTypes?: ('audio' | 'video')[];
  url: string;
}

type Setting = Protocol.Browser.PermissionSetting;

function browserNames({ permission, mediaTypes }: { permission: string; mediaTypes?: readonly string[] | undefined }): string[] {
  if (permission === 'media') return (mediaTypes ?? []).map((type) => (type === 'audio' ? 'microphone' : 'camera'));
  return [permission];
}

async function setPermission(contents: RigContents, name: string, setting: Setting, origin: string): Promise<void> {
  const browserContextId = await contents.session.context();
  await send('Browser.setPermission', { permission: { name }, setting, origin, ...(browserContextId && { browserContextId }) });
}

/** As the app's check handler says; without one, all may be had. */
export function passesCheck(
  contents: RigContents,
  frame: RigFrame,
  permission: string,
  mediaType: 'audio' | 'video' | undefined,
  url: string,
): boolean {
  const check = contents.session.permissionCheck;
  if (!check) return true;
  const securityOrigin = originOf(url);
  const isMainFrame = frame.id === contents.targetId;
  const details = { isMainFrame, requestingUrl: url, securityOrigin, ...(mediaType && { mediaType }) };
  return check(electronOf(contents), permission as Parameters<typeof check>[1], securityOrigin, details);
}

const asked: readonly (readonly [permission: string, mediaType: 'audio' | 'video' | undefined])[] = [
  ['media', 'audio'],
  ['media', 'video'],
  ['notifications', undefined],
  ['geolocation', undefined],
];

/** The check handler's answers become the browser's own settings for the origin, before a script of the page can ask. */
export async function applyChecks(contents: RigContents, frame: RigFrame): Promise<void> {
  const origin = originOf(toBrowser(frame.url));
  if (!contents.session.permissionCheck || !origin.startsWith('http')) return;
  for (const [permission, mediaType] of asked) {
    if (contents.gone) return;
    const allowed = passesCheck(contents, frame, permission, mediaType, frame.url);
    const names = browserNames({ permission, mediaTypes: mediaType && [mediaType] });
    for (const name of names) await setPermission(contents, name, allowed ? 'prompt' : 'denied', origin);
  }
}

/** A page asks: first the check handler, then the request handler; no handler grants, as in Electron. */
export async function mayPermission(contents: RigContents, frame: RigFrame, question: PermissionQuestion): Promise<boolean> {
  const url = fromBrowser(question.url);
  const types = question.mediaTypes ?? [undefined];
  const checked = types.every((type) => passesCheck(contents, frame, question.permission, type, url));
  const granted = checked && (await request(contents, frame, question, url));
  const origin = originOf(question.url);
  if (origin.startsWith('http')) {
    for (const name of browserNames(question)) {
      // The browser knows no such name for reading the clipboard: the page itself obeys the answer there.
      if (name !== 'clipboard-read') await setPermission(contents, name, granted ? 'granted' : 'denied', origin);
    }
  }
  return granted;
}

function request(contents: RigContents, frame: RigFrame, question: PermissionQuestion, url: string): Promise<boolean> {
  const handler = contents.session.permissionRequest;
  if (!handler) return Promise.resolve(true);
  const isMainFrame = frame.id === contents.targetId;
  const details = { isMainFrame, requestingUrl: url, securityOrigin: originOf(url), mediaTypes: question.mediaTypes ?? [] };
  return new Promise((resolve) => {
    handler(electronOf(contents), question.permission as Parameters<typeof handler>[1], resolve, details);
  });
}
