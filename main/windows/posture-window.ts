import type { CheckId } from '../../contracts/finding.ts';
import { pageUrl } from '../ipc/sender-rule.ts';
import type { WindowBounds } from '../settings.ts';

export interface PostureHandle {
  load(url: string): void;
  /** In front, with the keyboard, wherever it was. */
  bringForward(): void;
  /** With where it was; null where it fell over and was taken away. */
  onClosed(listener: (bounds: WindowBounds | null) => void): void;
}

export interface PosturePorts {
  open(url: string): PostureHandle;
  saveBounds(bounds: WindowBounds): void;
}

export interface PostureWindow {
  /** The page goes to a place of its own when one is named, by the hash of its address. */
  show(place?: 'about' | `check/${CheckId}`): void;
}

/** There is one, and only while somebody looks at it: a closed one takes no memory, and opens again in under a second. */
export function createPostureWindow({ open, saveBounds }: PosturePorts): PostureWindow {
  let handle: PostureHandle | null = null;
  return {
    show(place) {
      const url = place === undefined ? pageUrl('posture') : `${pageUrl('posture')}#${place}`;
      if (handle) {
        if (place !== undefined) handle.load(url);
        return handle.bringForward();
      }
      const made = open(url);
      handle = made;
      made.onClosed((bounds) => {
        handle = null;
        if (bounds) saveBounds(bounds);
      });
    },
  };
}
