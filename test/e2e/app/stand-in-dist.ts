import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** Before it lies whatever the program is; after it the version of the fuses, their number, and one byte for each. */
export const FUSE_SENTINEL = 'dL7pKGdnNz796PbbjQWNKmHXBZaB9tsX';
const FUSES = 8;

/** Stands in for Electron's own files, with a program whose fuses can be set like those of the real one. */
export async function makeStandInDist(dir: string, version: string): Promise<void> {
  await mkdir(path.join(dir, 'locales'), { recursive: true });
  await mkdir(path.join(dir, 'resources'), { recursive: true });
  const fuses = Buffer.concat([Buffer.from(FUSE_SENTINEL), Buffer.from([1, FUSES]), Buffer.from('1'.repeat(FUSES))]);
  await writeFile(path.join(dir, 'electron'), Buffer.concat([await readFile('/bin/true'), fuses]), { mode: 0o755 });
  await writeFile(path.join(dir, 'version'), version);
  for (const name of ['LICENSE', 'LICENSES.chromium.html', 'resources.pak', 'chrome-sandbox']) await writeFile(path.join(dir, name), name);
  for (const locale of ['de', 'en-US', 'ko', 'zh-CN', 'zh-TW']) await writeFile(path.join(dir, 'locales', `${locale}.pak`), locale);
}

/** Paths of an asar archive, whose header is JSON after four numbers; the last of them is its length. */
export function readAsarPaths(archive: Buffer): string[] {
  const headerEnd = 16 + archive.readUInt32LE(12);
  const paths = (node: AsarNode, under: string): string[] =>
    Object.entries(node.files ?? {}).flatMap(([name, below]) => (below.files ? paths(below, `${under}${name}/`) : [`${under}${name}`]));
  return paths(JSON.parse(archive.subarray(16, headerEnd).toString('utf8')) as AsarNode, '').sort();
}

interface AsarNode {
  files?: Record<string, AsarNode>;
}
