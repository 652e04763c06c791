import type { WindowBounds } from '../settings.ts';

/** Above the window where the screen has room for it, else over its lower edge: Connect's own controls are at the top. */
export function bannerPlace(ccp: WindowBounds, screen: WindowBounds, height: number): WindowBounds {
  const above = ccp.y - height;
  return { x: ccp.x, y: above >= screen.y ? above : ccp.y + ccp.height - height, width: ccp.width, height };
}
