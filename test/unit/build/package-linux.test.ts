import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../../agent/cli/config-file.ts';
import { controlFile, oldestLibraries } from '../../../build/package-linux/control-file.ts';
import { findNodeRuntime } from '../../../build/package-linux/node-runtime.ts';
import { repoRoot } from '../../../build/repo.ts';

const packaging = path.join(repoRoot, 'build', 'package-linux');
const units = path.join(repoRoot, 'build', 'service', 'systemd');
const read = (dir: string, name: string) => readFileSync(path.join(dir, name), 'utf8');
const why = process.platform === 'linux' ? null : 'needs Linux';

it('says what Debian asks of a control file', () => {
  const fields = controlFile({ version: '1.2.3', architecture: 'arm64', installedBytes: 2_049 });
  expect(fields).toMatch(/^Version: 1\.2\.3$/m);
  expect(fields).toMatch(/^Architecture: arm64$/m);
  expect(fields).toMatch(/^Installed-Size: 3$/m);
  // Each line is a field or the continuation of one, and the last one ends.
  expect(
    fields
      .trimEnd()
      .split('\n')
      .filter((line) => !/^([A-Z][A-Za-z-]+: \S| \S)/.test(line)),
  ).toEqual([]);
  expect(fields.endsWith('\n')).toBe(true);
});

describe.skipIf(why !== null)(`the Node that is shipped${why ? `: ${why}` : ''}`, () => {
  it('needs no newer libraries than the package asks for', () => {
    const program = readFileSync(findNodeRuntime().executable).toString('latin1');
    const newest = Math.max(...[...program.matchAll(/GLIBC_2\.(\d+)/g)].map(([, minor]) => Number(minor)));
    expect(newest).toBeGreaterThan(0);
    expect(newest).toBeLessThanOrEqual(Number(oldestLibraries.glibc.split('.')[1]));
    // GLIBCXX_3.4.25 came with GCC 8.
    const newestCxx = Math.max(...[...program.matchAll(/GLIBCXX_3\.4\.(\d+)/g)].map(([, patch]) => Number(patch)));
    expect(newestCxx).toBeLessThanOrEqual(25);
  });

  it.each(['postinst', 'prerm', 'postrm', 'deskwarden.sh'])('%s is a shell script that parses', (name) => {
    execFileSync('/bin/sh', ['-n', path.join(packaging, name)]);
  });
});

it('the example configuration is one', async () => {
  expect(await readConfig(path.join(packaging, 'daemon.yaml.example'))).toMatchObject({
    ok: true,
    config: { policy: '/etc/deskwarden/policy.yaml' },
  });
});

describe.skipIf(why !== null)(`what stands in for the daemon${why === null ? '' : `: ${why}`}`, () => {
  /** 0 has what stands in for the daemon run, 1 leaves it out. */
  it.each([
    ['active', 1],
    ['activating', 1],
    ['deactivating', 1],
    ['reloading', 1],
    ['inactive', 0],
    ['failed', 0],
    ['nothing that can be read', 0],
  ])('looks after a daemon that is %s: %i', (state, code) => {
    const dir = mkdtempSync(path.join(tmpdir(), 'deskwarden-condition-'));
    try {
      writeFileSync(path.join(dir, 'systemctl'), `#!/bin/sh\n[ "$*" = 'is-active deskwarden.service' ] && echo '${state}'\nexit 3\n`, {
        mode: 0o755,
      });
      const [, script = ''] = /^ExecCondition=\/bin\/sh -c '([^']*)'$/m.exec(read(units, 'deskwarden-agent-loss.service')) ?? [];
      // As systemd reads it.
      expect(spawnSync('/bin/sh', ['-c', script.replaceAll('$$', '$')], { env: { PATH: dir } }).status).toBe(code);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  it('the browsers’ policies that the sandbox opens are those that postinst makes', () => {
    const opened = /^ReadWritePaths=(.*)$/m.exec(read(units, 'sandbox.conf'))?.[1]?.split(' ') ?? [];
    const made = /for dir in ([\s\S]*?); do/.exec(read(packaging, 'postinst'))?.[1]?.split(/[\s\\]+/) ?? [];
    expect(opened.length).toBeGreaterThan(3);
    for (const dir of opened) expect(made).toContain(dir.replace(/^-/, ''));
    // mkdir makes one level.
    for (const dir of made.filter((one) => one !== '/etc/opt')) {
      const parent = path.posix.dirname(dir);
      if (parent !== '/etc') expect(made.slice(0, made.indexOf(dir))).toContain(parent);
    }
  });

  it('the watchdog costs a process a minute at most', () => {
    const seconds = Number(/^WatchdogSec=(\d+)$/m.exec(read(units, 'deskwarden.service'))?.[1]);
    expect(seconds).toBeGreaterThanOrEqual(120);
  });
});
