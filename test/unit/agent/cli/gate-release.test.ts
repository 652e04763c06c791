import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TakenAway } from '../../../../agent/daemon/take-away.ts';
import { StoreError } from '../../../../agent/store/store-error.ts';
import type { DaemonConfig } from '../../../../contracts/config.ts';
import type { FaultCode } from '../../../../contracts/fault.ts';
import { type LinkCode, LinkFault } from '../../../../contracts/local-link/link-fault.ts';
import { start, typed } from './fake-place.ts';
import { answering } from './sample-snapshot.ts';

const until = '2026-01-01T09:00:00.000Z';

/** A daemon that releases; `asked` is what it was asked with. */
function releasing() {
  const asked: unknown[] = [];
  const release = async (request: unknown) => {
    asked.push(request);
    return { ok: true as const, value: { until } };
  };
  return { asked, daemon: answering({ release }) };
}
const refusing = (code: FaultCode, detail: string) => answering({ release: async () => ({ ok: false, error: { code, detail } as never }) });
const without = (code: LinkCode) => ({ connectDaemon: () => Promise.reject(new LinkFault(code, 'the detail')) });

describe('gate release, as root', () => {
  it('asks a daemon that runs', async () => {
    const { asked, daemon } = releasing();
    const { code, out, err } = await start(['gate', 'release'], { daemon });
    expect([code, err, asked]).toEqual([0, '', [{}]]);
    expect(out).toBe(`The gate is open until ${until}, whatever the verdict. This is recorded, and reported to the fleet.\n`);
  });

  it('is for root alone, who is asked before anybody else', async () => {
    const started = await start(['gate', 'release'], { place: { uid: 1_000 } });
    expect([started.code, started.out]).toEqual([77, '']);
    expect(started.err).toContain('only root');
    expect(await start(['gate', 'agent-loss'], { place: { uid: 1_000 } })).toMatchObject({ code: 77, out: '' });
  });

  const entries = [
    { kind: 'file' as const, enforcer: 'browser-policy' as const, path: '/etc/opt/chrome/policies/managed/zz-deskwarden.json' },
    { kind: 'nft-table' as const, enforcer: 'egress' as const, family: 'inet' as const, name: 'deskwarden' },
  ];

  it.each<[string, TakenAway, number, string, string]>([
    ['nothing to remove', { removed: [], kept: [] }, 0, 'Nothing of Deskwarden holds anything closed on this computer.\n', ''],
    [
      'all of it',
      { removed: entries, kept: [] },
      0,
      'No daemon runs: taking away what the ledger names. Once it runs again it obeys its policy again.\n' +
        'removed /etc/opt/chrome/policies/managed/zz-deskwarden.json\nremoved the nftables table inet deskwarden\n',
      '',
    ],
    [
      'half of it',
      { removed: entries.slice(0, 1), kept: entries.slice(1).map((entry) => ({ entry, why: 'EPERM' })) },
      71,
      'No daemon runs: taking away what the ledger names. Once it runs again it obeys its policy again.\n' +
        'removed /etc/opt/chrome/policies/managed/zz-deskwarden.json\n',
      'deskwarden: could not remove the nftables table inet deskwarden: EPERM\n',
    ],
  ])('without a daemon removes by the ledger: %s', async (_, taken, code, out, err) => {
    const daemon = { ...without('no-daemon'), releaseGate: async () => taken };
    expect(await start(['gate', 'release'], { daemon })).toMatchObject({ code, out, err });
  });

  it('says that the ledger cannot be read', async () => {
    const daemon = { ...without('no-daemon'), releaseGate: () => Promise.reject(new StoreError('io', '/var/lib/deskwarden: EIO')) };
    expect(await start(['gate', 'release'], { daemon })).toMatchObject({ code: 71, err: 'deskwarden: /var/lib/deskwarden: EIO (io)\n' });
  });

  it.each(['timed-out', 'busy', 'not-the-daemon'] as const)('removes nothing behind a daemon that may live: %s', async (code) => {
    const started = await start(['gate', 'release'], { daemon: without(code) });
    expect([started.code, started.out]).toEqual([69, '']);
    expect(started.err).toContain('stop its service');
  });
});

describe('gate release --code', () => {
  it.each(['12345678\n', ' 1234 5678', '1234-5678\r\nmore'])('takes %j from standard input, as any user', async (text) => {
    const { asked, daemon } = releasing();
    const { code, err } = await start(['gate', 'release', '--code'], { daemon, place: { uid: 1_000, stdin: typed(text) } });
    expect([code, err, asked]).toEqual([0, '', [{ code: '12345678' }]]);
  });

  it('asks on a terminal', async () => {
    const { daemon } = releasing();
    const { err } = await start(['gate', 'release', '--code'], { daemon, place: { stdin: typed('12345678\n', true) } });
    expect(err).toBe('Code that IT reads out (8 digits): ');
  });

  it.each([
    ['1234567', 2, 'a code has 8 digits'],
    ['12345678a', 2, 'a code has 8 digits'],
    ['', 66, 'it is empty'],
    ['1'.repeat(1_000), 66, 'it is too long'],
  ])('asks no daemon with %j', async (text, code, words) => {
    const started = await start(['gate', 'release', '--code'], { place: { stdin: typed(text) } });
    expect([started.code, started.out]).toEqual([code, '']);
    expect(started.err).toContain(words);
  });

  it.each<[FaultCode, string, number, string]>([
    ['wrong-code', '4 more tries', 1, 'the code is not right, or was used before: have IT read out the next one (4 more tries)'],
    ['too-soon', '12 min', 75, 'too many wrong codes on this desk; try again in 12 min'],
    ['not-enrolled', '', 1, 'this desk is not enrolled with a fleet: its gate closes nothing, so there is nothing to release'],
    ['internal', 'could not be stored', 75, 'the daemon refused: internal (could not be stored)'],
  ])('%s in words', async (fault, detail, code, words) => {
    const started = await start(['gate', 'release', '--code'], { daemon: refusing(fault, detail), place: { stdin: typed('12345678') } });
    expect([started.code, started.out, started.err]).toEqual([code, '', `deskwarden: ${words}\n`]);
  });

  it('a key that is pressed to stop stops it', async () => {
    const end = new AbortController();
    end.abort(new Error('stopped'));
    await expect(start(['gate', 'release', '--code'], { place: { signal: end.signal, stdin: typed('12345678') } })).rejects.toThrow(
      'stopped',
    );
  });
});

describe('gate agent-loss', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(path.join(tmpdir(), 'deskwarden-loss-'));
  });
  afterEach(() => rm(dir, { recursive: true }));

  it.each([
    [{ did: 'opened', removed: [], kept: [] }, 0, 'agent loss: opened; removed 0\n'],
    [{ did: 'closed', lacking: [] }, 0, 'agent loss: closed, as the policy wants\n'],
    [
      { did: 'nothing', because: 'call' },
      0,
      'agent loss: left open for a call that is or may be on; the policy closes when there can be none\n',
    ],
    [{ did: 'nothing', because: 'daemon-runs' }, 0, 'agent loss: none, the daemon runs\n'],
  ] as const)('%j', async (outcome, code, out) => {
    const asked: DaemonConfig[] = [];
    const configPath = path.join(dir, 'daemon.yaml');
    writeFileSync(configPath, 'schema: 1\nstateDir: /srv/state\n');
    const applyAgentLoss = async (config: DaemonConfig) => {
      asked.push(config);
      return outcome;
    };
    expect(await start(['gate', 'agent-loss'], { daemon: { configPath, applyAgentLoss } })).toMatchObject({ code, out, err: '' });
    expect(asked[0]?.stateDir).toBe('/srv/state');
  });
});

describe('under a configuration that is wrong', () => {
  let configPath: string;
  beforeEach(async () => {
    configPath = path.join(await mkdtemp(path.join(tmpdir(), 'deskwarden-wrong-')), 'daemon.yaml');
    writeFileSync(configPath, 'schema: 1\nstatedir: /srv/state\n');
  });
  afterEach(() => rm(path.dirname(configPath), { recursive: true }));
  const complaint = expect.stringContaining('statedir');
  const file = { kind: 'file' as const, enforcer: 'browser-policy' as const, path: '/etc/opt/edge/policies/managed/zz-deskwarden.json' };

  it('gate release looks where things are by default', async () => {
    const releaseGate = async ({ stateDir }: DaemonConfig) => ({ removed: stateDir === '/var/lib/deskwarden' ? [file] : [], kept: [] });
    const daemon = { ...without('no-daemon'), configPath, releaseGate };
    expect(await start(['gate', 'release'], { daemon })).toMatchObject({
      code: 0,
      out: expect.stringContaining(file.path),
      err: complaint,
    });
  });

  it('gate release does not claim that nothing is held: it may be of other directories', async () => {
    const daemon = { ...without('no-daemon'), configPath, releaseGate: async () => ({ removed: [], kept: [] }) };
    expect(await start(['gate', 'release'], { daemon })).toMatchObject({ code: 2, out: '', err: complaint });
  });

  it.each([
    [true, 0, 'agent loss: closed, as the policy wants\n'],
    [false, 2, ''],
  ])('gate agent-loss does what it should where the desk enrolled with what is there by default: %s', async (enrolled, code, out) => {
    const asked: string[] = [];
    const applyAgentLoss = async ({ stateDir }: DaemonConfig) => {
      asked.push(stateDir);
      return { did: 'closed' as const, lacking: [] };
    };
    const daemon = { configPath, hasFleet: async () => enrolled, applyAgentLoss };
    expect(await start(['gate', 'agent-loss'], { daemon })).toMatchObject({ code, out, err: complaint });
    expect(asked).toEqual(enrolled ? ['/var/lib/deskwarden'] : []);
  });
});
