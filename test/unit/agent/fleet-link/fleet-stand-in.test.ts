import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, expect, it } from 'vitest';
import { enrol } from '../../../../agent/fleet-link/enrol.ts';
import { createFleetLink } from '../../../../agent/fleet-link/fleet-link.ts';
import { openIdentity } from '../../../../agent/fleet-link/identity.ts';
import { runLink } from '../../../../agent/fleet-link/run-link.ts';
import { systemClock } from '../../../../agent/host/clock.ts';
import { sampleReport } from './sample-report.ts';
import { sampleSituation } from './sample-situation.ts';
import { agent, DEADLINES, enrolledOf } from './staged-link.ts';

const root = await mkdtemp(path.join(tmpdir(), 'deskwarden-fleet-'));
const program = fileURLToPath(new URL('../../../servers/fleet/main.ts', import.meta.url));

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function startProgram(dir: string, port = '0') {
  const child = spawn(process.execPath, ['--import', 'tsx', program, '--dir', dir, '--port', port], { stdio: ['pipe', 'pipe', 'inherit'] });
  children.push(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => JSON.parse((await lines.next()).value as string);
  const said = (await next()) as { url: string; port: number; admin: string; ticket: string };
  return {
    ...said,
    async post(command: object) {
      const response = await fetch(said.admin, { method: 'POST', body: JSON.stringify(command) });
      return response.json() as Promise<{ ok: boolean; value: { reports: number; duplicates: number; heartbeats: number } }>;
    },
    async type(command: object) {
      child.stdin.write(`${JSON.stringify(command)}\n`);
      return next();
    },
    async stop() {
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}

it('runs as a program, obeys, and remembers its desks over a restart', async () => {
  const dir = path.join(root, 'fleet');
  const stateDir = path.join(root, 'desk');
  const first = await startProgram(dir);
  const identity = await openIdentity({ stateDir, image: null, goldenImage: false });
  const parts = { hostName: 'desk-1', agent, proxyFor: () => null, clock: systemClock, deadlines: DEADLINES };
  const signal = new AbortController().signal;
  const enrolled = enrolledOf(await enrol({ ...parts, server: first.url, ticket: first.ticket, identity, signal, byHand: true }));

  const taken: string[] = [];
  const link = await createFleetLink({
    ...parts,
    identity,
    enrolment: undefined,
    random: () => 0.5,
    hooks: {
      situation: () => sampleSituation('blocked'),
      standing: () => 'blocked',
      held: () => ({ policy: 0, allowlist: 0, waivers: taken.length, sealing: 0, keys: 0 }),
      accept: async (kind, envelope) => {
        taken.push(`${kind} ${(envelope as { revision: number }).revision}`);
        return { ok: true };
      },
      onHeard() {},
      onWantFull: () => {},
      onEnrolment: () => {},
      log: () => {},
    },
  });
  expect(await first.post({ do: 'publish', kind: 'waivers', revision: 1, body: { schema: 1, revision: 1, waivers: [] } })).toMatchObject({
    ok: true,
  });
  const running = runLink(link);
  try {
    await expect.poll(() => taken, { timeout: 5_000 }).toEqual(['waivers 1']);
    const report = sampleReport(enrolled.device, 0);
    expect(await link.send(report)).toEqual({ status: 'accepted', sealedFault: null });
    expect(await first.type({ do: 'state' })).toMatchObject({
      ok: true,
      value: { reports: 1, duplicates: 0, devices: [{ status: 'enrolled' }] },
    });
    expect(await first.type({ do: 'nonsense' })).toMatchObject({ ok: false });
    await first.stop();
    running.hurry();
    await expect.poll(() => link.state().trouble?.code, { timeout: 5_000 }).toBe('refused');

    const second = await startProgram(dir, String(first.port));
    running.hurry();
    await expect.poll(() => link.state().trouble, { timeout: 5_000 }).toBeNull();
    expect(await link.send(report)).toEqual({ status: 'accepted', sealedFault: null });
    expect(await second.post({ do: 'state' })).toMatchObject({ value: { reports: 1, duplicates: 1 } });
    await second.stop();
  } finally {
    await running.stop();
  }
});
