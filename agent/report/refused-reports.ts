import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DeviceFaultCode } from '../../contracts/fleet-api.ts';
import type { Report } from '../../contracts/report.ts';
import { removeLeftovers, replaceFile } from '../store/replace-file.ts';
import { errnoOf, toStoreError } from '../store/store-error.ts';

/** Enough to see what the fleet will not take; older ones go. */
export const MAX_REFUSED = 20;
const MAX_REFUSED_BYTES = 1024 * 1024;

/** Keeps, for whoever looks into it, what the fleet refused for good: lines of JSON. Rejects with a `StoreError`. */
export async function setRefusedAside(dir: string, report: Report, code: DeviceFaultCode, at: string): Promise<void> {
  const path = join(dir, 'refused.ndjson');
  await removeLeftovers(path);
  const before = await readFile(path, 'utf8').catch((error) => {
    if (errnoOf(error) === 'ENOENT') return '';
    throw toStoreError(error, path);
  });
  const lines = [...before.split('\n').filter((line) => line !== ''), JSON.stringify({ at, code, report })].slice(-MAX_REFUSED);
  const text = () => lines.map((line) => `${line}\n`).join('');
  while (lines.length > 1 && Buffer.byteLength(text()) > MAX_REFUSED_BYTES) lines.shift();
  await replaceFile(path, text());
}
