import type { WindowBounds } from '../settings.ts';

/** So much of a window's title must be on a screen for somebody to take hold of it. */
const GRIP_PX = { width: 100, height: 40 };

/** Where a window was, if a screen is still there; a laptop that left its dock has one less. */
export function placeOn(bounds: WindowBounds | undefined, screens: readonly WindowBounds[]): Partial<WindowBounds> {
  if (!bounds) return {};
  const isReachable = screens.some((screen) => {
    const width = Math.min(bounds.x + bounds.width, screen.x + screen.width) - Math.max(bounds.x, screen.x);
    const isTopThere = bounds.y >= screen.y && bounds.y + GRIP_PX.height <= screen.y + screen.height;
    return isTopThere && width >= Math.min(GRIP_PX.width, bounds.width);
  });
  return isReachable ? bounds : { width: bounds.width, height: bounds.height };
}
