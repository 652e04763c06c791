import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { geteuid, umask } from 'node:process';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type DaemonSettings, runDaemon } from '../../../../agent/daemon/daemon.ts';
import type { DaemonEvent } from '../../../../agent/daemon/daemon-event.ts';
import { loadDaemonKey, readDaemonPublicKey } from '../../../../agent/daemon/daemon-key.ts';
import { connectLocalApi } from '../../../../agent/local-api/client.ts';
import { bundledAllowlist } from '../../../../checks/allowlist/bundled.ts';
import { DaemonConfig } from '../../../../contracts/config.ts';
import { DeskHistory } from '../../../../contracts/desk-history.ts';
import { CheckId } from '../../../../contracts/finding.ts';
import { localApiPath } from '../../../../contracts/local-link/address.ts';
import { CLIENT_DEADLINES } from '../../../../contracts/local-link/connect.ts';
import { VerdictState } from '../../../../contracts/state.ts';
import { fakeCheck, seen } from '../../../fakes/fake-check.ts';
import { fakeDaemonHost } from '../../../fakes/fake-daemon-host.ts';
import { fakePolicy, fakeRule } from '../../../fakes/fake-policy.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'deskwarden-daemon-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

async function start(makeHost: DaemonSettings['makeHost']) {
  const events: DaemonEvent[] = [];
  const settings: DaemonSettings = {
    version: '0.0.0',
    platform: 'linux',
    hostName: 'desk',
    config: DaemonConfig.parse({
      schema: 1,
      stateDir: path.join(dir, 'state'),
      runDir: path.join(dir, 'run'),
      logDir: path.join(dir, 'log'),
    }),
    checks: [fakeCheck('network.a', { probe: async () => seen(false) })],
    bundled: bundledAllowlist,
    localPolicy: fakePolicy([fakeRule('network.a')]),
    vantageOf: () => 'endpoint',
    proxyFor: () => null,
    wallMs: Date.now,
    random: () => 0,
    makeHost,
    log: (event) => events.push(event),
  };
  const daemon = await runDaemon(settings, '11111111-2222-4333-8444-555555555555');
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
  // It is told once, at the start, and as what was remembered.
  const told = second.events.filter((event) => event.event === 'gate');
  expect(told).toMatchObject([{ state: 'open', wouldBe: 'draining', reason: 'blocked', notActingBecause: 'not-enrolled' }]);
});

it('each judgement tells its history that the desk is watched, also one that changes nothing', async () => {
  const first = await start(() => ({ host: fakeDaemonHost(), close() {} }));
  await isTold(first.events);
  await first.daemon.stop();
  const history = () => DeskHistory.strip().parse(JSON.parse(readFileSync(path.join(dir, 'state', 'history.json'), 'utf8')));
  const startedAt = new Date().toISOString();
  let looked = 0;
  const second = await start(() => {
    looked += 1;
    return { host: fakeDaemonHost(), close() {} };
  });
  await vi.waitFor(() => expect(looked).toBeGreaterThan(0));
  await new Promise((resolve) => setTimeout(resolve, 200));
  await second.daemon.stop();
  expect(history().watched.at(-1)?.to.localeCompare(startedAt)).toBe(1);
});

// Only root always has a socket.
it.skipIf(geteuid?.() !== 0)('tells its users what it looks at, and what it found [needs root]', async () => {
  const { daemon, events } = await start(() => ({ host: fakeDaemonHost(), close() {} }));
  await isTold(events);
  const client = await connectLocalApi({ path: localApiPath(path.join(dir, 'run'), 0), deadlines: CLIENT_DEADLINES });
  try {
    const told: unknown[] = [];
    client.on('progress', (progress) => told.push(progress));
    const check = CheckId.parse('network.a');
    expect(await client.recheck({ check })).toEqual({ ok: true, value: undefined });
    await vi.waitFor(() => expect(told).toHaveLength(2));
    expect(told).toMatchObject([
      { kind: 'started', rules: [{ rule: check, check }], notRun: [] },
      { kind: 'finding', finding: { rule: check } },
    ]);
  } finally {
    client.close();
    await daemon.stop();
  }
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
