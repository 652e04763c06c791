import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { repoRoot } from '../../build/repo.ts';

const dir = path.join(repoRoot, 'docs/adr');
const records = (await readdir(dir)).filter((name) => name.endsWith('.md') && name !== 'README.md').sort();

describe('architecture decision records', () => {
  it('are numbered from 0001 without a gap or a number taken twice', () => {
    expect(records.map((name) => name.slice(0, 4))).toEqual(records.map((_name, index) => String(index + 1).padStart(4, '0')));
    expect(records.filter((name) => !/^\d{4}-[a-z0-9]+(-[a-z0-9]+)*\.md$/.test(name))).toEqual([]);
  });

  it('follow the template', async () => {
    for (const name of records) {
      const headings = [...(await readFile(path.join(dir, name), 'utf8')).matchAll(/^#+ (.+)$/gm)].map(
        (match) => match[1]?.toLowerCase() ?? '',
      );
      for (const wanted of ['context', 'decision', 'consequences', 'alternatives']) {
        expect(
          headings.some((heading) => heading.startsWith(wanted)),
          `${name} has no heading "${wanted}"`,
        ).toBe(true);
      }
    }
  });
});
