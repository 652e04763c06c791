import { mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { collectBundle } from '../../../../agent/bundle/collect-bundle.ts';
import { readLog } from '../../../../agent/bundle/log-lines.ts';
import { renderBundle } from '../../../../agent/bundle/render-bundle.ts';
import { DaemonConfig } from '../../../../contracts/config.ts';
import type { LedgerFile } from '../../../../contracts/ledger.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'deskwarden-collect-'));
});
afterEach(() => rm(dir, { recursive: true }));

const ticket = `dw1.${'s'.repeat(43)}.${'f'.repeat(43)}`;

function configOf(): DaemonConfig {
  return DaemonConfig.parse({ schema: 1, stateDir: path.join(dir, 'state'), runDir: path.join(dir, 'run'), logDir: path.join(dir, 'log') });
}

/** nft with two tables of ours and one of somebody else's. */
const nft = {
  async run(args: readonly string[]) {
    if (args.join(' ') === 'list tables')
      return { ok: true as const, text: 'table inet deskwarden\ntable ip filter\ntable inet deskwarden_activity\n' };
    if (args.join(' ') === 'list table inet deskwarden') return { ok: true as const, text: 'table inet deskwarden {\n}' };
    if (args.join(' ') === 'list table inet deskwarden_activity') return { ok: false as const, detail: 'gone' };
    throw new Error(`unscripted: nft ${args.join(' ')}`);
  },
};
const parts = { version: '1.2.3', platform: 'linux', wallMs: () => Date.parse('2026-01-01T08:00:00.000Z'), nft };

describe('collectBundle', () => {
  it('tells what is there: state by name and size, the ledger and what it names, the firewall, the log', async () => {
    const config = configOf();
    const policyPath = path.join(dir, 'policy.json');
    const ledger: LedgerFile = {
      schema: 1,
      entries: [
        { kind: 'file', enforcer: 'browser-policy', path: policyPath },
        { kind: 'file', enforcer: 'browser-policy', path: path.join(dir, 'gone.json') },
        { kind: 'nft-table', enforcer: 'egress', family: 'inet', name: 'deskwarden' },
      ],
    };
    await mkdir(config.stateDir);
    await mkdir(config.logDir);
    await writeFile(policyPath, '{"URLBlocklist":["acme.my.connect.aws"]}');
    await writeFile(path.join(config.stateDir, 'ledger.json'), JSON.stringify(ledger));
    await writeFile(path.join(config.stateDir, 'identity.json'), ticket, { mode: 0o600 });
    await writeFile(path.join(config.logDir, 'now.ndjson'), `{"event":"started","by":"/home/anna/x"}\nno event ${ticket}\n`);

    const collected = await collectBundle({ config, snapshot: { unavailable: 'no-daemon' } }, parts);
    expect(collected).toMatchObject({
      made: { at: '2026-01-01T08:00:00.000Z', version: '1.2.3' },
      daemon: { unavailable: 'no-daemon' },
      state: [
        { name: 'identity.json', kind: 'file', bytes: 91, mode: '0600' },
        { name: 'ledger.json', kind: 'file' },
      ],
      ledger: {
        entries: [
          { there: { kind: 'file', bytes: 40 }, content: '{"URLBlocklist":["acme.my.connect.aws"]}' },
          { there: { unreadable: 'ENOENT' }, content: { unreadable: 'ENOENT' } },
          { entry: { name: 'deskwarden' } },
        ],
      },
      firewall: { 'inet deskwarden': ['table inet deskwarden {', '}'], 'inet deskwarden_activity': { unreadable: 'gone' } },
    });

    const text = renderBundle(collected);
    expect(text).not.toContain('ssssssss');
    expect(text).not.toContain('anna');
    // Greppable: one line for each line of the log.
    expect(text).toContain('\n{"event":"started","by":"/home/user-1/x"},\n"no event <removed ticket>"\n');
    expect(text.split('\n').slice(0, 5).join('\n')).toMatch(/Taken out: .*\n.*Left in.*addresses/);
    expect(JSON.parse(text)).toMatchObject({ config: { schema: 1 }, platform: { platform: 'linux' } });
  });

  it('says of each thing why it cannot be read, and never fails', async () => {
    const collected = await collectBundle(
      { config: configOf(), snapshot: { unavailable: 'x' } },
      { ...parts, osReleasePath: dir, nft: { run: async () => ({ ok: false, detail: 'not permitted' }) } },
    );
    expect(collected).toMatchObject({
      state: { unreadable: 'ENOENT' },
      ledger: { unreadable: 'ENOENT' },
      firewall: { unreadable: 'not permitted' },
      log: { unreadable: 'ENOENT' },
      platform: { osRelease: { unreadable: 'not a regular file' } },
    });
  });

  it('shows no ledger that is none, and follows no link that the ledger names', async () => {
    const config = configOf();
    await mkdir(config.stateDir);
    const ledgerPath = path.join(config.stateDir, 'ledger.json');
    await writeFile(ledgerPath, '{"schema":9}');
    expect(await collectBundle({ config, snapshot: { unavailable: 'x' } }, parts)).toMatchObject({
      ledger: { unreadable: 'not a ledger' },
    });
    const secretPath = path.join(dir, 'shadow');
    const linkPath = path.join(dir, 'link');
    await writeFile(secretPath, 'not to be seen');
    await symlink(secretPath, linkPath);
    await writeFile(ledgerPath, JSON.stringify({ schema: 1, entries: [{ kind: 'file', enforcer: 'egress', path: linkPath }] }));
    const collected = await collectBundle({ config, snapshot: { unavailable: 'x' } }, parts);
    expect(collected).toMatchObject({ ledger: { entries: [{ there: { kind: 'link' }, content: { unreadable: 'ELOOP' } }] } });
    expect(renderBundle(collected)).not.toContain('not to be seen');
  });
});

describe('readLog', () => {
  const put = async (name: string, text: string, seconds: number) => {
    await writeFile(path.join(dir, name), text);
    await utimes(path.join(dir, name), seconds, seconds);
  };
  const line = (n: number) => `{"n":${n}}\n`;

  it('takes the newest end of all files, in whole lines, the newest file last', async () => {
    await put('b', [1, 2, 3].map(line).join(''), 100);
    await put('a', [4, 5, 6].map(line).join(''), 200);
    await put('c', line(0), 50);
    expect(await readLog(dir, 24 + 12)).toEqual({ b: [{ n: 3 }], a: [{ n: 4 }, { n: 5 }, { n: 6 }] });
    const all = await readLog(dir);
    expect(Object.entries(all)).toEqual([
      ['c', [{ n: 0 }]],
      ['b', [{ n: 1 }, { n: 2 }, { n: 3 }]],
      ['a', [{ n: 4 }, { n: 5 }, { n: 6 }]],
    ]);
  });

  it('finds a key that goes over several lines, and over the beginning of the tail', async () => {
    const key = `-----BEGIN PRIVATE KEY-----\n${'K'.repeat(64)}\n${'Q'.repeat(64)}\n-----END PRIVATE KEY-----\n`;
    await put('a', `${key}after\n${key}end\n`, 100);
    for (const bytes of [10_000, key.length + 120, key.length + 80, 120, 100]) {
      const text = JSON.stringify(await readLog(dir, bytes));
      expect(text).not.toMatch(/KKK|QQQ/);
      expect(text).toContain('end');
    }
  });

  it('takes links and directories for no log', async () => {
    await put('a', line(1), 100);
    await mkdir(path.join(dir, 'd'));
    await symlink('/etc/passwd', path.join(dir, 'link'));
    expect(await readLog(dir)).toEqual({ a: [{ n: 1 }] });
  });
});
