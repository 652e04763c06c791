import type { IconName, IconTone } from '../../../main/tray/tray-icon.ts';

/** Drawn on a grid of 16, each an outline and a sign: neither colour nor a detail of the sign is needed to tell them apart. */
interface Drawing {
  /** Filled; null for what is drawn by lines alone. */
  outline: string | null;
  /** Stroked, and cut out of the outline. */
  sign: string;
}

export const drawings: Readonly<Record<IconName, Drawing>> = {
  clear: { outline: 'M8 .5a7.500 7.500 0 1 0 .01 0Z', sign: 'M4.500 8.300 7 10.800 11.500 5.700' },
  caution: {
    outline: 'M6.700 1.200q1.300-2 2.600 0l6.300 11.600q1 2.200-1.300 2.200H1.700q-2.300 0-1.300-2.200Z',
    sign: 'M8 5v4.200M8 12v.01',
  },
  blocked: { outline: 'M5 .5h6L15.500 5v6L11 15.500H5L.5 11V5Z', sign: 'M4 8h8' },
  undetermined: { outline: 'M8 0 16 8 8 16 0 8Z', sign: 'M5.900 6.200c0-3.200 4.400-3 4.400-.2 0 1.700-2.300 1.700-2.300 3.300M8 12v.01' },
  // Two ends of a chain that do not meet; what flies off tells it from a ring at 16 px.
  'no-daemon': {
    outline: null,
    sign: 'M5 4.500H4.500A3.500 3.500 0 0 0 4.500 11.500H5M11 4.500h.5A3.500 3.500 0 0 1 11.500 11.500H11M8.800 1.500 8.300 4M7.200 14.500 7.700 12',
  },
  'not-the-daemon': {
    outline: 'M2.500 .5h11q2 0 2 2v11q0 2-2 2h-11q-2 0-2-2v-11q0-2 2-2Z',
    sign: 'm4.500 4.500 7 7m0-7-7 7',
  },
};

/** Each has 4.5:1 on the bar it is for. On the other it is faint, and still there. */
const colours: Readonly<Record<Exclude<IconTone, 'template'>, Readonly<Record<IconName, string>>>> = {
  light: {
    clear: '#17743f',
    caution: '#8f5200',
    blocked: '#b3261e',
    undetermined: '#5b45a8',
    'no-daemon': '#575a63',
    'not-the-daemon': '#575a63',
  },
  dark: {
    clear: '#74d19b',
    caution: '#f0b95a',
    blocked: '#ff9d94',
    undetermined: '#bdaef5',
    'no-daemon': '#c4c7cf',
    'not-the-daemon': '#c4c7cf',
  },
};

export const iconNames = Object.keys(drawings) as IconName[];

/** In pixels: 16, 20, 24 and 32 at once and at twice the scale. The menu bar of macOS takes two. */
export const iconSizes: Readonly<Record<IconTone, readonly number[]>> = {
  light: [16, 20, 24, 32, 40, 48, 64],
  dark: [16, 20, 24, 32, 40, 48, 64],
  template: [16, 32],
};

export function iconFile(name: IconName, tone: IconTone, pixels: number): string {
  return `${name}-${tone}-${pixels}.png`;
}

/** The sign is a hole: what is behind shows through, in a mask too. */
export function svgOf(name: IconName, tone: IconTone, pixels: number): string {
  const { outline, sign } = drawings[name];
  const colour = tone === 'template' ? '#000000' : colours[tone][name];
  const line = `fill="none" stroke-width="${outline === null ? 2 : 1.9}" stroke-linecap="round" stroke-linejoin="round"`;
  const open = `<svg xmlns="http://www.w3.org/2000/svg" width="${pixels}" height="${pixels}" viewBox="0 0 16 16">`;
  if (outline === null) return `${open}<path d="${sign}" stroke="${colour}" ${line}/></svg>`;
  const mask = `<mask id="m"><path d="${outline}" fill="#fff"/><path d="${sign}" stroke="#000" ${line}/></mask>`;
  return `${open}${mask}<rect width="16" height="16" fill="${colour}" mask="url(#m)"/></svg>`;
}
