import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { inflateSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { drawings, iconNames } from '../../../../build/app/icons/tray-icons.ts';
import { repoRoot } from '../../../../build/repo.ts';
import { iconParts } from '../../../../main/tray/tray-icon.ts';

const platforms = ['win32', 'darwin', 'linux'] as const;
const files = [
  ...new Set(
    iconNames.flatMap((icon) =>
      platforms.flatMap((platform) => [true, false].flatMap((isDark) => iconParts(icon, platform, isDark).map(({ name }) => name))),
    ),
  ),
];

const readIcon = (name: string) => readFile(path.join(repoRoot, 'main', 'icons', name));

/** Opacity of each pixel, rows top down: of an 8-bit RGBA image without interlacing, as Chromium writes it. */
function alphaOf(png: Buffer): number[] {
  const width = png.readUInt32BE(16);
  expect([...png.subarray(24, 29)], 'depth, colours, compression, filter, interlacing').toEqual([8, 6, 0, 0, 0]);
  const chunks: Buffer[] = [];
  for (let offset = 8; offset < png.length; offset += 12 + png.readUInt32BE(offset)) {
    if (png.toString('latin1', offset + 4, offset + 8) === 'IDAT')
      chunks.push(png.subarray(offset + 8, offset + 8 + png.readUInt32BE(offset)));
  }
  const bytes = inflateSync(Buffer.concat(chunks));
  const stride = width * 4;
  let above = new Uint8Array(stride);
  const alpha: number[] = [];
  for (let row = 0; row < png.readUInt32BE(20); row++) {
    const [filter = 0, ...raw] = bytes.subarray(row * (stride + 1), (row + 1) * (stride + 1));
    const line = new Uint8Array(stride);
    for (const [index, byte] of raw.entries()) {
      const left = line[index - 4] ?? 0;
      const up = above[index] ?? 0;
      const corner = index < 4 ? 0 : (above[index - 4] ?? 0);
      const guess = left + up - corner;
      const [toLeft, toUp, toCorner] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
      const paeth = toLeft <= toUp && toLeft <= toCorner ? left : toUp <= toCorner ? up : corner;
      line[index] = byte + ([0, left, up, (left + up) >> 1, paeth][filter] ?? 0);
      if (index % 4 === 3) alpha.push(line[index] ?? 0);
    }
    above = line;
  }
  return alpha;
}

it.each(files)('%s is there, as large as its name says', async (name) => {
  const png = await readIcon(name);
  const pixels = Number(/-(\d+)\.png$/.exec(name)?.[1]);
  expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([pixels, pixels]);
});

it('each differs from each other in shape at 16 pixels, whatever its colour', async () => {
  const masks = await Promise.all(iconNames.map(async (name) => alphaOf(await readIcon(`${name}-template-16.png`)).map((a) => a > 127)));
  for (const [i, mask] of masks.entries()) {
    expect(mask.length).toBe(256);
    for (const other of masks.slice(i + 1)) {
      // A tenth of all pixels, or it would take a second look.
      expect(mask.filter((isOn, pixel) => isOn !== other[pixel]).length).toBeGreaterThan(25);
    }
  }
});

it('a theme changes the colour alone', async () => {
  for (const name of iconNames) {
    expect(alphaOf(await readIcon(`${name}-light-16.png`))).toEqual(alphaOf(await readIcon(`${name}-dark-16.png`)));
  }
  expect(new Set(Object.values(drawings).map(({ sign }) => sign)).size).toBe(iconNames.length);
});
