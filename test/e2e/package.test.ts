import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BuiltPackage, buildPackage } from '../../build/package-linux/build-package.ts';
import packageFile from '../../package.json' with { type: 'json' };
import { dpkgEnv, type Executed, openPackageRoot, type PackageRoot, whyNoPackageRoot } from './package-root.ts';
import { readUnit } from './package-unit.ts';

const why = whyNoPackageRoot();
const BUILD_DEADLINE_MS = 180_000;
const TEST_DEADLINE_MS = 90_000;
/** How long the daemon may take to start and to answer on a busy machine. */
const ANSWER_WITHIN_MS = 20_000;

const ourPaths = ['/usr/lib/deskwarden', '/usr/bin/deskwarden', '/usr/share/doc/deskwarden'];
/** Whatever the package touches, and where the browsers look. */
const watchedPaths = ['/etc', '/usr/bin', '/usr/lib/systemd', '/var/lib/systemd', '/var/log', '/usr/share/doc', '/run'];

/** A desk with one person at it, who has the number 1000. */
const prepareDesk = `
set -e
mkdir -p -m 0700 /run/user/1000
chown 1000 /run/user/1000
cp /usr/share/doc/deskwarden/daemon.yaml.example /etc/deskwarden/daemon.yaml
printf 'schema: 1\\nid: acme-floor\\ninstance: { alias: acme, region: us-west-2, identity: saml }\\nfeatures: { voice: true }\\n' > /etc/deskwarden/policy.yaml
`;

async function untilAnswered(root: PackageRoot): Promise<Executed> {
  const argv = ['/usr/bin/setpriv', '--reuid=1000', '--regid=1000', '--clear-groups', '/usr/bin/deskwarden', 'status', '--json'];
  const deadlineMs = performance.now() + ANSWER_WITHIN_MS;
  for (;;) {
    const ran = await root.exec(argv);
    if (ran.stdout !== '' || performance.now() > deadlineMs) return ran;
  }
}

describe.skipIf(why !== null)(`the Linux package${why ? `: ${why}` : ''}`, () => {
  let dir: string;
  let built: BuiltPackage;

  beforeAll(async () => {
    dir = await mkdtemp(path.join(tmpdir(), 'deskwarden-package-'));
    built = await buildPackage({ outDir: dir, compression: 'quick', sourceDateEpoch: '1700000000', onStep: () => {} });
  }, BUILD_DEADLINE_MS);
  afterAll(() => rm(dir, { recursive: true, force: true }));

  const withRoot = async (use: (root: PackageRoot) => Promise<void>) => {
    const root = await openPackageRoot(dir);
    try {
      await use(root);
    } finally {
      await root.close();
    }
  };
  const debPath = () => `/mnt/${path.basename(built.path)}`;
  const listing = (root: PackageRoot) =>
    root.ok('/usr/bin/find', ...watchedPaths, '-printf', '%p %y %m %u:%g %l\n').then((text) => text.split('\n').sort());

  it('has the same bytes whoever builds it', { timeout: BUILD_DEADLINE_MS }, async () => {
    const again = path.join(dir, 'again');
    const usual = process.umask(0o077);
    const second = await buildPackage({
      outDir: again,
      compression: 'quick',
      sourceDateEpoch: '1700000000',
      onStep: () => {},
    }).finally(() => process.umask(usual));
    await withRoot(async (root) => {
      const sums = await root.ok('/usr/bin/sha256sum', debPath(), `/mnt/again/${path.basename(second.path)}`);
      expect(
        new Set(
          sums
            .trimEnd()
            .split('\n')
            .map((line) => line.split(' ')[0]),
        ).size,
      ).toBe(1);
    });
  });

  it('installs files of root, runs by its own Node, and goes without a trace', { timeout: TEST_DEADLINE_MS }, async () => {
    await withRoot(async (root) => {
      const before = await listing(root);
      await root.ok('/usr/bin/dpkg', '-i', debPath());
      expect(await root.ok('/usr/bin/dpkg', '--verify', 'deskwarden')).toBe('');

      const files = await root.ok('/usr/bin/find', ...ourPaths, '-printf', '%m %u:%g %y %p\n');
      const wrong = files
        .trimEnd()
        .split('\n')
        .filter((line) => !/^(755 root:root d|644 root:root f|755 root:root f .*\/(bin\/node|bin\/deskwarden)$)/.test(line));
      expect(wrong).toEqual([]);

      // Neither PATH nor HOME, and no other Node on this computer.
      await root.exec(['/bin/chmod', '0000', process.execPath]);
      expect(await root.exec(['/usr/bin/deskwarden', '--version'])).toEqual({ code: 0, stdout: `${packageFile.version}\n`, stderr: '' });
      const list = await root.exec(['/usr/bin/deskwarden', 'check', '--list', '--json']);
      expect(JSON.parse(list.stdout).length).toBeGreaterThan(10);
      await root.exec(['/bin/chmod', '0755', process.execPath]);

      const enabled = await root.ok('/usr/bin/find', '/etc/systemd/system', '-name', 'deskwarden*', '-printf', '%p %l\n');
      expect(enabled.trimEnd().split('\n').sort()).toEqual([
        '/etc/systemd/system/multi-user.target.wants/deskwarden.service /lib/systemd/system/deskwarden.service',
        '/etc/systemd/system/timers.target.wants/deskwarden-agent-loss.timer /lib/systemd/system/deskwarden-agent-loss.timer',
      ]);
      for (const browser of ['chromium', 'opt/chrome', 'opt/edge']) {
        expect(await root.ok('/usr/bin/stat', '-c', '%a %U', `/etc/${browser}/policies/managed`)).toBe('755 root\n');
      }

      await root.ok('/usr/bin/dpkg', '-r', 'deskwarden');
      expect(await listing(root)).toEqual(before);
    });
  });

  it('keeps the identity when it is removed, and takes it away when it is purged', { timeout: TEST_DEADLINE_MS }, async () => {
    await withRoot(async (root) => {
      await root.ok('/usr/bin/dpkg', '-i', debPath());
      const mine = ['/var/lib/deskwarden', '/var/log/deskwarden', '/run/deskwarden'];
      for (const own of mine) await root.ok('/bin/mkdir', '-p', `${own}/0`);
      await root.ok('/usr/bin/cp', '/usr/share/doc/deskwarden/daemon.yaml.example', '/etc/deskwarden/daemon.yaml');
      await root.ok('/usr/bin/dpkg', '-r', 'deskwarden');
      const left = async () => (await root.exec(['/bin/ls', '-d', ...mine, '/etc/deskwarden/daemon.yaml'])).stdout.trimEnd().split('\n');
      expect(await left()).toEqual(['/etc/deskwarden/daemon.yaml', '/var/lib/deskwarden', '/var/log/deskwarden']);
      await root.ok('/usr/bin/dpkg', '--purge', 'deskwarden');
      expect(await left()).toEqual(['/etc/deskwarden/daemon.yaml']);
    });
  });

  it("leaves other people's policies and a disabled unit alone", { timeout: TEST_DEADLINE_MS }, async () => {
    await withRoot(async (root) => {
      const policy = '/etc/opt/chrome/policies/managed/corporate.json';
      const emptyDir = '/etc/opt/edge/policies/managed';
      await root.ok('/bin/mkdir', '-p', path.dirname(policy), emptyDir);
      await root.ok('/usr/bin/cp', '/etc/hostname', policy);
      await root.ok('/usr/bin/dpkg', '-i', debPath());
      await root.ok('/usr/bin/systemctl', '--root=/', 'disable', 'deskwarden.service');
      await root.ok('/usr/bin/dpkg', '-i', debPath());
      expect(await root.ok('/usr/bin/find', '/etc/systemd/system', '-name', 'deskwarden.service')).toBe('');
      await root.ok('/usr/bin/dpkg', '-r', 'deskwarden');
      expect(await root.ok('/usr/bin/stat', '-c', '%F', emptyDir)).toBe('directory\n');
      expect(await root.ok('/usr/bin/cat', policy)).toBe(await root.ok('/usr/bin/cat', '/etc/hostname'));
    });
  });

  it('has units that systemd finds nothing wrong with', { timeout: TEST_DEADLINE_MS }, async () => {
    await withRoot(async (root) => {
      await root.ok('/usr/bin/dpkg', '-i', debPath());
      const units = ['deskwarden.service', 'deskwarden-agent-loss.service', 'deskwarden-agent-loss.timer'];
      // What it does not know it only warns of.
      expect(await root.exec(['/usr/bin/systemd-analyze', 'verify', '--man=no', ...units])).toEqual({ code: 0, stdout: '', stderr: '' });
      for (const unit of units.slice(0, 2)) {
        const rated = await root.ok('/usr/bin/systemd-analyze', 'security', '--offline=true', '--threshold=40', unit);
        expect(rated).toContain('Overall exposure level');
      }
    });
  });

  it('runs with the capabilities and the writable places of its unit', { timeout: TEST_DEADLINE_MS }, async () => {
    await withRoot(async (root) => {
      await root.ok('/usr/bin/dpkg', '-i', debPath());
      await root.ok('/bin/sh', '-c', prepareDesk);
      const unit = await readUnit(root, 'deskwarden.service');
      // Twice: the second finds the sockets of the first, which was killed and left them to their users.
      for (const signal of ['KILL', 'TERM'] as const) {
        const daemon = await unit.start('ExecStart');
        const asUser = await untilAnswered(root);
        if (asUser.stdout === '') throw new Error(`no answer to the user: ${asUser.stderr}${JSON.stringify(await daemon.end('KILL'))}`);
        expect(JSON.parse(asUser.stdout)).toMatchObject({ daemon: { version: packageFile.version } });
        expect(await root.ok('/usr/bin/stat', '-c', '%a %u', '/run/deskwarden/1000', '/run/deskwarden/1000/api.sock')).toBe(
          '700 1000\n600 1000\n',
        );
        const { code, stdout, stderr } = await daemon.end(signal);
        expect([code, stderr]).toEqual([signal === 'KILL' ? 137 : 0, '']);
        const lines = stdout
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line));
        expect(lines.filter(({ event }) => event === 'fault')).toEqual([]);
        expect(lines.map(({ event }) => event)).toContain('started');
      }
    });
  });

  it('can be removed when the gate cannot be released, and says what may be left', { timeout: TEST_DEADLINE_MS }, async () => {
    await withRoot(async (root) => {
      await root.ok('/usr/bin/dpkg', '-i', debPath());
      await root.ok('/usr/bin/cp', '/bin/false', '/usr/lib/deskwarden/bin/node');
      const removed = await root.exec(['/usr/bin/dpkg', '-r', 'deskwarden'], { env: dpkgEnv });
      expect(removed).toMatchObject({ code: 0, stderr: expect.stringContaining('could not release the gate') });
      expect((await root.exec(['/bin/ls', '/usr/lib/deskwarden'])).code).toBe(2);
    });
  });
});
