import { readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { MAX_REFUSED, setRefusedAside } from '../../../../agent/report/refused-reports.ts';
import { EPOCH, freshDir } from './open-box.ts';
import { AT, aReport } from './sample-report.ts';

it('keeps the newest refused reports, readable by root alone, within bounds', async () => {
  const dir = await freshDir();
  const file = path.join(dir, 'refused.ndjson');
  const read = async () =>
    (await readFile(file, 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
  for (let seq = 0; seq < MAX_REFUSED + 3; seq++) await setRefusedAside(dir, aReport(EPOCH, EPOCH, seq), 'too-large', AT);
  expect((await read()).map(({ report }) => report.seq)).toEqual(Array.from({ length: MAX_REFUSED }, (_, i) => i + 3));
  expect((await read())[0]).toEqual({ at: AT, code: 'too-large', report: aReport(EPOCH, EPOCH, 3) });
  expect((await stat(file)).mode & 0o777).toBe(0o600);

  for (let seq = 0; seq < 8; seq++) await setRefusedAside(dir, aReport(EPOCH, EPOCH, seq, { padding: 200_000 }), 'bad-request', AT);
  expect((await read()).map(({ report }) => report.seq)).toEqual([3, 4, 5, 6, 7]);
  expect((await stat(file)).size).toBeLessThan(1024 * 1024 + 1);

  await writeFile(file, 'half a li');
  await setRefusedAside(dir, aReport(EPOCH, EPOCH, 9), 'bad-request', AT);
  expect((await readFile(file, 'utf8')).split('\n')).toHaveLength(3);
});
