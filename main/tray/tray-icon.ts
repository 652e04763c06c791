import type { Standing } from '../../contracts/verdict.ts';

/** One drawing each in build/app/icons/, which differ in outline and sign and not by colour alone. */
export type IconName = Standing | 'no-daemon' | 'not-the-daemon';

export type IconTone = 'light' | 'dark' | 'template';

export interface IconPart {
  /** File name without directory. */
  name: string;
  scaleFactor: number;
}

/** What a tray takes at each scale of its screen: 16 px on Windows and macOS, 24 in the panels of Linux desktops. */
const scales: Readonly<Record<'win32' | 'darwin' | 'linux', readonly (readonly [number, number])[]>> = {
  win32: [
    [1, 16],
    [1.25, 20],
    [1.5, 24],
    [2, 32],
    [2.5, 40],
    [3, 48],
    [4, 64],
  ],
  darwin: [
    [1, 16],
    [2, 32],
  ],
  linux: [
    [1, 24],
    [2, 48],
  ],
};

/** macOS colours its own menu bar: there the drawing is a mask. */
export function iconParts(icon: IconName, platform: 'win32' | 'darwin' | 'linux', isDark: boolean): IconPart[] {
  const tone: IconTone = platform === 'darwin' ? 'template' : isDark ? 'dark' : 'light';
  return scales[platform].map(([scaleFactor, pixels]) => ({ name: `${icon}-${tone}-${pixels}.png`, scaleFactor }));
}
