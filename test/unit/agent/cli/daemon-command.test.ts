import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { DaemonRequest, Desk } from '../../../../agent/cli/desk.ts';
import { SocketRefused } from '../../../../agent/local-api/socket-fault.ts';
import { StoreError } from '../../../../agent/store/store-error.ts';
import { start } from './fake-place.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'deskwarden-daemon-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

/** `daemon` with these files; `started` is what the daemon was asked to do. */
async function run(config: string | null, policy: string, startDaemon?: () => Promise<never>, more: Partial<Desk> = {}) {
  const configPath = path.join(dir, 'daemon.yaml');
  const policyPath = path.join(dir, 'policy.yaml');
  if (config !== null) writeFileSync(configPath, config.replaceAll('POLICY', policyPath));
  writeFileSync(policyPath, policy);
  const asked: DaemonRequest[] = [];
  const stopped = { times: 0 };
  const end = new AbortController();
  const daemon = {
    ...more,
    configPath,
    startDaemon: async (request: DaemonRequest) => {
      asked.push(request);
      await startDaemon?.();
      request.write('{"event":"started"}\n');
      setTimeout(() => end.abort(), 10);
      return { stop: async () => void stopped.times++ };
    },
  };
  return { ...(await start(['daemon'], { daemon, place: { signal: end.signal } })), asked, stopped, configPath, policyPath };
}

const good = 'schema: 1\npolicy: POLICY\n';
const policy = 'schema: 1\nid: floor\ninstance: { alias: acme, region: us-west-2 }\n';

it('runs until it is told to stop, and logs one JSON line for each event', async () => {
  const { code, out, asked, stopped } = await run(good, policy);
  expect([code, stopped.times, asked[0]?.localPolicy?.id, asked[0]?.config.runDir]).toEqual([0, 1, 'floor', '/run/deskwarden']);
  expect(out).toBe('{"event":"started"}\n');
});

it('needs no policy on a desk that has a fleet', async () => {
  const hasFleet = async () => true;
  expect((await run('schema: 1\n', policy, undefined, { hasFleet })).asked[0]?.localPolicy).toBeNull();
  const fleet = 'schema: 1\nenrolment: { server: "https://fleet.example.com" }\n';
  expect((await run(fleet, policy)).asked[0]?.localPolicy).toBeNull();
  const { code, err, asked } = await run('schema: 1\n', policy, undefined, { hasFleet: async () => false });
  expect([code, asked]).toEqual([2, []]);
  expect(err).toContain('policy: is missing: a desk that is not enrolled needs one');
});

it.each([
  ['no configuration', null, policy, 'there is no configuration at'],
  ['a configuration that is no YAML', 'schema: [', policy, 'daemon.yaml: Flow sequence'],
  ['an alias', 'schema: &a 1\npolicy: *a\n', policy, 'Alias resolution is disabled'],
  ['an unknown key', `${good}polcy: x\n`, policy, 'polcy: unknown key "polcy"'],
  ['a path that is relative', 'schema: 1\npolicy: policy.yaml\n', policy, 'policy: expected an absolute path'],
  ['a policy with a mistake', good, `${policy}rules: [{ check: network.nothing }]\n`, 'policy.yaml:4:'],
])('refuses %s, exit 2', async (_name, config, text, words) => {
  const { code, err, asked } = await run(config, text);
  expect([code, asked]).toEqual([2, []]);
  expect(err).toContain(words);
});

it.each([
  [new StoreError('denied', '/var/lib/deskwarden: EACCES'), '/var/lib/deskwarden: EACCES; run it as root, as a service does'],
  [new StoreError('disk-full', '/var/lib/deskwarden: ENOSPC'), '/var/lib/deskwarden: ENOSPC (disk-full)'],
  [new SocketRefused('unsafe-path', '/run/deskwarden is a link'), '/run/deskwarden is a link (unsafe-path)'],
])('directories that cannot be used are told: %s', async (error, words) => {
  const { code, err } = await run(good, policy, () => Promise.reject(error));
  expect([code, err]).toEqual([71, `deskwarden: the daemon cannot start: ${words}\n`]);
});

it('status says what is wrong with the configuration, and does not ask elsewhere', async () => {
  const configPath = path.join(dir, 'daemon.yaml');
  writeFileSync(configPath, 'schema: 1\npolicy: /p.yaml\nrundir: /run/other\n');
  const { code, err } = await start(['status'], { daemon: { configPath } });
  expect([code, err]).toEqual([2, `deskwarden: ${configPath}: rundir: unknown key "rundir"\n`]);
});
