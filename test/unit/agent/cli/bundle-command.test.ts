import { lstat, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { BundleRequest } from '../../../../agent/bundle/collect-bundle.ts';
import { LinkFault } from '../../../../contracts/local-link/link-fault.ts';
import { start } from './fake-place.ts';
import { snapshot, telling } from './sample-snapshot.ts';

let dir: string;
let out: string;
beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'deskwarden-bundle-'));
  out = path.join(dir, 'bundle.json');
});
afterEach(() => rm(dir, { recursive: true }));

/** A desk that has a secret to hide. */
function collecting(link: object) {
  const asked: BundleRequest[] = [];
  const collectBundle = async (request: BundleRequest) => {
    asked.push(request);
    return { daemon: request.snapshot, releaseSecret: 'abc', log: ['from /home/anna'] };
  };
  return { asked, daemon: { ...link, collectBundle } };
}

it('writes what the desk collects, redacted, with what the daemon says', async () => {
  const { asked, daemon } = collecting(telling({}));
  const started = await start(['bundle', '--out', out], { daemon });
  expect([started.code, started.out, asked[0]?.snapshot]).toEqual([0, '', snapshot]);
  expect(started.err).toMatch(/bundle\.json: \d+ KiB\. Secrets and user names are taken out; internal addresses/);
  const text = await readFile(out, 'utf8');
  expect(JSON.parse(text)).toMatchObject({ daemon: { gate: snapshot.gate }, releaseSecret: '<removed>', log: ['from /home/user-1'] });
  expect((await lstat(out)).mode & 0o777).toBe(0o600);
});

it('says why there is nothing of the daemon', async () => {
  const { asked, daemon } = collecting({ connectDaemon: () => Promise.reject(new LinkFault('timed-out', 'no answer')) });
  const started = await start(['bundle', '--out', '-'], { daemon });
  expect([started.code, started.err, asked[0]?.snapshot]).toEqual([0, '', { unavailable: 'timed-out: no answer' }]);
  expect(JSON.parse(started.out).about[0]).toContain('Support bundle');
  expect(await readdir(dir)).toEqual([]);
});

it('replaces a file only with --force', async () => {
  await writeFile(out, 'mine');
  const { daemon } = collecting(telling({}));
  const refused = await start(['bundle', '--out', out], { daemon });
  expect([refused.code, refused.err]).toEqual([74, `deskwarden: ${out} is there already; --force replaces it\n`]);
  expect(await readFile(out, 'utf8')).toBe('mine');
  expect((await start(['bundle', '--out', out, '--force'], { daemon })).code).toBe(0);
  expect(await readFile(out, 'utf8')).toContain('Support bundle');
});

it('says that it cannot be written', async () => {
  const { daemon } = collecting(telling({}));
  const target = path.join(dir, 'gone', 'x.json');
  const started = await start(['bundle', '--out', target], { daemon });
  expect([started.code, started.err]).toEqual([74, `deskwarden: cannot write ${target}: its directory does not exist\n`]);
});
