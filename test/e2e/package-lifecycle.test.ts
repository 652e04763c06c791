import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildPackage } from '../../build/package-linux/build-package.ts';
import { repoRoot } from '../../build/repo.ts';
import { catalog } from '../../checks/catalog.ts';
import { resolvePolicy } from '../../checks/resolve-policy.ts';
import type { Snapshot } from '../../contracts/local-api.ts';
import { PolicyFile } from '../../contracts/policy.ts';
import { dpkgEnv, openPackageRoot, type PackageRoot, whyNoPackageRoot } from './package-root.ts';
import { type RunningUnit, readUnit, type Unit } from './package-unit.ts';

const why = whyNoPackageRoot();
const SETUP_MS = 240_000;
const TEST_MS = 180_000;
const SHUT_WITHIN_MS = 60_000;
const AGENT_UID = 61_000;

/** A session of an agent; a policy of IT's that sorts before ours, and a firewall of the desk's own. */
const prepareDesk = `
set -e
mkdir -p -m 0700 /run/user/${AGENT_UID}
chown ${AGENT_UID} /run/user/${AGENT_UID}
mkdir -p /etc/chromium/policies/managed
printf '{"URLBlocklist": ["example.com"]}' > /etc/chromium/policies/managed/corporate.json
nft 'table inet corporate { chain in { type filter hook input priority 0; tcp dport 23 drop; }; }'
`;

/** Where the browsers look, to the byte, and the kernel's rules. */
const look = `
set -e
cd /etc
find chromium opt firefox -type d -printf '%p %m %u:%g\\n' -o -printf '%p %y %m %u:%g %s %t %l\\n' 2>/dev/null | sort
find chromium opt firefox -type f -exec sha256sum {} + 2>/dev/null | sort
nft --stateless list ruleset
`;

const readOnlyState = 'mount --bind /var/lib/deskwarden /var/lib/deskwarden; mount -o remount,bind,ro /var/lib/deskwarden';

type GateStatus = Pick<Snapshot, 'gate' | 'enforcers' | 'policy'>;

describe.skipIf(why !== null)(`an enforced desk and its package${why ? `: ${why}` : ''}`, () => {
  let dir: string;
  let debPath: string;
  let root: PackageRoot;
  let ask: (command: object) => Promise<unknown>;
  let fleet: { url: string; port: number; ticket: string };
  let before: string;
  let revision = 0;

  const seen = () => root.ok('/bin/sh', '-c', look);
  const sh = (script: string) => root.ok('/bin/sh', '-ec', script);

  beforeAll(async () => {
    dir = await mkdtemp(path.join(tmpdir(), 'deskwarden-lifecycle-'));
    const built = await buildPackage({ outDir: dir, compression: 'quick', sourceDateEpoch: '1700000000', onStep: () => {} });
    debPath = `/mnt/${path.basename(built.path)}`;
    root = await openPackageRoot(dir);
    await sh(prepareDesk);
    before = await seen();
    [fleet, ask] = await startFleet(root);
    await publish('open');
    await writeFile(path.join(dir, 'ticket'), fleet.ticket, { mode: 0o600 });
    await install();
    await root.ok('/usr/bin/deskwarden', 'enrol', '--server', fleet.url, '--ticket-file', '/mnt/ticket');
  }, SETUP_MS);
  afterAll(async () => {
    await root?.close();
    await rm(dir, { recursive: true, force: true });
  });

  async function publish(onAgentLoss: 'open' | 'closed'): Promise<void> {
    revision += 1;
    // The fleet itself is what this desk must not reach, and does.
    const canaries = [{ host: '127.0.0.1', port: fleet.port }];
    const rule = { check: 'network.egress-canary', params: { canaries }, everyMs: 1_000, settleMs: 0, graceMs: 0, on: { fail: 'block' } };
    const instance = { alias: 'acme', region: 'us-west-2', identity: 'saml' };
    const gate = { mode: 'enforce', onAgentLoss };
    const file = PolicyFile.parse({ schema: 1, id: 'acme-floor', revision, base: 'none', instance, gate, rules: [rule] });
    await ask({ do: 'publish', kind: 'policy', revision, body: resolvePolicy(file, catalog) });
  }

  async function install(): Promise<void> {
    const { code } = await root.exec(['/usr/bin/test', '-e', '/usr/bin/deskwarden']);
    if (code !== 0) await root.ok('/usr/bin/dpkg', '-i', debPath);
    // The removal before counts as root's release, of an hour.
    await sh('echo "schema: 1" > /etc/deskwarden/daemon.yaml; rm -f /var/lib/deskwarden/release.json');
  }

  async function remove(): Promise<{ said: string; state: string }> {
    const { code, stderr } = await root.exec(['/usr/bin/dpkg', '-r', 'deskwarden'], { env: dpkgEnv });
    expect(code).toBe(0);
    return { said: stderr, state: await seen() };
  }

  /** Runs the daemon as its unit does, until it has shut the CCP under the revision that was published last. */
  async function shut(unit: Unit): Promise<RunningUnit> {
    const daemon = await unit.start('ExecStart');
    const deadline = performance.now() + SHUT_WITHIN_MS;
    for (let told = ''; ; await delay(100)) {
      // Asked once it looks so: a command line is a whole Node.
      if (isShut(await seen())) {
        told = (await root.exec(['/usr/bin/deskwarden', 'gate', 'status', '--json'])).stdout;
        if (told !== '' && saysShut(JSON.parse(told) as GateStatus)) return daemon;
      }
      if (performance.now() > deadline) throw new Error(`not shut: ${told} ${JSON.stringify(await daemon.end('KILL'))}`);
    }
  }

  const isShut = (state: string) => state.includes('/zz-deskwarden.json f 644') && state.includes('table inet deskwarden {');
  const saysShut = ({ gate, enforcers, policy }: GateStatus) =>
    policy.revision === revision &&
    gate.state === 'closed' &&
    ['egress', 'browser-policy'].every((name) => enforcers.some(({ enforcer, wanted }) => enforcer === name && wanted === 'closed'));

  /** The desk under the gate, its daemon ended by this signal: that alone opens nothing. */
  async function leftShut(signal: 'TERM' | 'KILL'): Promise<{ unit: Unit; state: string }> {
    const unit = await readUnit(root, 'deskwarden.service');
    const { code, stderr } = await (await shut(unit)).end(signal);
    expect([code, stderr]).toEqual([signal === 'KILL' ? 137 : 0, '']);
    const state = await seen();
    expect(state).toSatisfy(isShut);
    return { unit, state };
  }

  it.each(['TERM', 'KILL'] as const)('is as it was before, the daemon ended by %s', { timeout: TEST_MS }, async (signal) => {
    await install();
    await leftShut(signal);
    expect(await remove()).toEqual({ said: '', state: before });
  });

  it.each([
    ['a configuration that is wrong', 'echo "schema: 2" > /etc/deskwarden/daemon.yaml', 2, expect.stringContaining('daemon.yaml: schema')],
    ['a state directory that is read-only', readOnlyState, 71, ''],
  ])('is as it was before, the daemon failed to start for %s', { timeout: TEST_MS }, async (_what, spoil, code, said) => {
    await install();
    const { unit, state } = await leftShut('KILL');
    await sh(spoil);
    try {
      expect(await unit.run('ExecStart')).toMatchObject({ code });
      // A start that fails opens nothing.
      expect(await seen()).toBe(state);
      expect(await remove()).toEqual({ said, state: before });
    } finally {
      await root.exec(['/bin/umount', '--quiet', '/var/lib/deskwarden']);
    }
  });

  it('opens without its daemon, or stays closed, as the policy says', { timeout: TEST_MS }, async () => {
    await install();
    const installed = await seen();
    const timer = await readUnit(root, 'deskwarden-agent-loss.service');

    const opening = await leftShut('KILL');
    const opened = await opening.unit.run('ExecStopPost');
    expect(opened).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(/^agent loss: opened; removed [1-9]/) });
    expect(await seen()).toBe(installed);
    expect(await timer.run('ExecStart')).toMatchObject({ code: 0, stdout: 'agent loss: opened; removed 0\n' });

    await publish('closed');
    const { unit, state } = await leftShut('KILL');
    await sh('echo "schema: 2" > /etc/deskwarden/daemon.yaml');
    for (const run of [() => unit.run('ExecStopPost'), () => timer.run('ExecStart')]) {
      expect(await run()).toMatchObject({ stdout: 'agent loss: closed, as the policy wants\n' });
      expect(await seen()).toBe(state);
    }
    // Nobody opens it by taking it away.
    await sh('rm /etc/opt/edge/policies/managed/zz-deskwarden.json; nft delete table inet deskwarden');
    await timer.run('ExecStart');
    expect(await seen()).toBe(state);
    expect(await remove()).toMatchObject({ state: before });
  });

  it('keeps its identity until it is purged, and then nothing', { timeout: TEST_MS }, async () => {
    await root.ok('/usr/bin/dpkg', '-r', 'deskwarden');
    const own = ['/var/lib/deskwarden', '/var/log/deskwarden', '/etc/deskwarden'];
    const left = () =>
      root.ok(
        '/usr/bin/find',
        '/var',
        '/run',
        '/etc',
        '/usr',
        '-xdev',
        '-path',
        '/var/lib/dpkg',
        '-prune',
        '-o',
        '-name',
        '*deskwarden*',
        '-print',
        '-prune',
      );
    expect((await left()).trimEnd().split('\n').sort()).toEqual([...own].sort());
    expect(await root.ok('/bin/ls', '/var/lib/deskwarden')).toContain('identity.json');
    await root.ok('/usr/bin/dpkg', '--purge', 'deskwarden');
    // What IT wrote is IT's.
    expect(await left()).toBe('/etc/deskwarden\n');
    expect(await seen()).toBe(before);
  });
});

async function startFleet(root: PackageRoot) {
  const program = path.join(repoRoot, 'test', 'servers', 'fleet', 'main.ts');
  const child = root.spawnBeside([process.execPath, '--import', 'tsx', program], { cwd: repoRoot, stdio: ['pipe', 'pipe', 'inherit'] });
  if (!child.stdin || !child.stdout) throw new Error('no pipes');
  const { stdin } = child;
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => JSON.parse(String((await lines.next()).value));
  const fleet = (await next()) as { url: string; port: number; ticket: string };
  const ask = async (command: object): Promise<unknown> => {
    stdin.write(`${JSON.stringify(command)}\n`);
    const reply = (await next()) as { ok: boolean; value?: unknown; error?: string };
    if (!reply.ok) throw new Error(reply.error);
    return reply.value;
  };
  return [fleet, ask] as const;
}
