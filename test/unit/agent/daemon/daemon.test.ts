import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { umask } from 'node:process';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type DaemonEvent, type DaemonSettings, startDaemon } from '../../../../agent/daemon/daemon.ts';
import { loadDaemonKey, readDaemonPublicKey } from '../../../../agent/daemon/daemon-key.ts';
import { VerdictState } from '../../../../contracts/state.ts';
import { fakeCheck, seen } from '../../../fakes/fake-check.ts';
import { fakeDaemonHost } from '../../../fakes/fake-daemon-host.ts';
import { fakePlan } from '../../../fakes/fake-plan.ts';
import { fakePolicy, fakeRule } from '../../../fakes/fake-policy.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'deskwarden-daemon-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

async function start(makeHost: DaemonSettings['makeHost']) {
  const events: DaemonEvent[] = [];
  const daemon = await startDaemon({
    version: '0.0.0',
    checks: [fakeCheck('network.a', { probe: async () => seen(false) })],
    policy: fakePolicy([fakeRule('network.a')]),
    plan: fakePlan(),
    vantage: 'endpoint',
    stateDir: path.join(dir, 'state'),
    runDir: path.join(dir, 'run'),
    wallMs: Date.now,
    random: () => 0,
    makeHost,
    log: (event) => events.push(event),
  });
  return { daemon, events };
}

const statePath = () => path.join(dir, 'state', 'verdict.json');
const isTold = (events: readonly DaemonEvent[]) =>
  vi.waitFor(() => expect(events).toContainEqual(expect.objectContaining({ event: 'verdict' })));

it('a stop saves what it knows before a host that does not close', async () => {
  let release = () => {};
  const close = () => new Promise<void>((resolve) => (release = resolve));
  const { daemon, events } = await start(() => ({ host: fakeDaemonHost(), close }));
  await isTold(events);
  const stopped = daemon.stop();
  await vi.waitFor(() => expect(VerdictState.parse(JSON.parse(readFileSync(statePath(), 'utf8'))).findings).toHaveLength(1));
  release();
  await stopped;
});

it('a stop that cannot save says so, and ends', async () => {
  const { daemon, events } = await start(() => ({ host: fakeDaemonHost(), close() {} }));
  await isTold(events);
  mkdirSync(path.join(statePath(), 'in-the-way'), { recursive: true });
  await daemon.stop();
  expect(events).toContainEqual(expect.objectContaining({ event: 'fault', what: 'state not saved' }));
});

it('after a restart the gate follows what is remembered from the first moment', async () => {
  const first = await start(() => ({ host: fakeDaemonHost(), close() {} }));
  await isTold(first.events);
  await first.daemon.stop();
  const second = await start(() => ({ host: fakeDaemonHost(), close() {} }));
  await second.daemon.stop();
  // Nothing of the gate has changed, so that nothing is told.
  expect(second.events.filter(({ event }) => event === 'gate')).toEqual([]);
});

it('everybody may read the public key, whatever the umask', async () => {
  const before = umask(0o077);
  try {
    await loadDaemonKey(path.join(dir, 'state'), path.join(dir, 'run'));
  } finally {
    umask(before);
  }
  const modes = ['run', 'run/daemon.pub'].map((name) => statSync(path.join(dir, name)).mode & 0o777);
  expect(modes).toEqual([0o755, 0o644]);
  expect(await readDaemonPublicKey(path.join(dir, 'run'))).not.toBeNull();
});
