import { cancelable, loud } from '../loud.ts';
import { appHooks } from '../registry.ts';
import type { RigContents } from './contents.ts';
import { webContentsOf } from './web-contents.ts';

/** Electron asks before it fails the load; the rig tells after it failed: an app that would accept the certificate is refused loudly. */
export function certificateError(contents: RigContents, url: string, errorText: string): void {
  const event = cancelable({});
  const callback = (isTrusted: boolean) => {
    if (isTrusted) throw new Error('electron rig: a bad certificate cannot be accepted');
  };
  const certificate = loud('certificate', {});
  contents.emit('certificate-error', event, url, errorText, certificate, callback, true);
  appHooks().emit('certificate-error', event, webContentsOf(contents), url, errorText, certificate, callback, true);
}
