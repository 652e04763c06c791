import { fromBrowser, originOf } from '../schemes.ts';
import type { RigFrame } from '../web-frame.ts';
import type { RigContents } from './contents.ts';

/**
 * Who began a navigation. The browser does not say: a frame that is new was made by its parent, and otherwise the referrer's
 * origin tells the frame itself from its parent and from a frame inside it. A page that sends no referrer counts as its own.
 */
export function initiatorOf(contents: RigContents, frame: RigFrame | null, referrer: string): RigFrame | null {
  if (!frame) return contents.mainFrame;
  const parent = contents.frameOf(frame.parent?.frameToken ?? '');
  if (parent && (frame.url === '' || frame.url === 'about:blank')) return parent;
  const origin = originOf(fromBrowser(referrer));
  if (referrer === '' || origin === frame.origin) return frame;
  return (parent?.origin === origin ? parent : [...contents.frames.values()].find((one) => one.origin === origin)) ?? frame;
}
