import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createMediaPacketReader } from '../../../../../agent/activity/media-packets.ts';
import { createEgress, type EgressParts } from '../../../../../agent/gate/egress/egress.ts';
import { createNft } from '../../../../../agent/gate/egress/nft.ts';
import type { GateOrder, GateScope } from '../../../../../agent/gate/enforcer.ts';
import { type Ledger, openLedger } from '../../../../../agent/gate/ledger.ts';
import { EnforcerStatus } from '../../../../../contracts/enforcer.ts';
import { fakeClock } from '../../../../fakes/fake-clock.ts';
import { agentUid, mediaPrefixes, oneNamespace, whyNoNft } from './two-namespaces.ts';

const scope: GateScope = {
  ccpHosts: ['acme.my.connect.aws'],
  transportHosts: ['transport.example.com'],
  mediaPrefixes,
  sharedPrefixes: ['13.32.0.0/15', '2600:9000::/28'],
};
const order = (closed: boolean, changed: Partial<GateScope> = {}, agentUids = [agentUid]): GateOrder => ({
  closed,
  scope: { ...scope, ...changed },
  agentUids,
});
const entry = { kind: 'nft-table', enforcer: 'egress', family: 'inet', name: 'deskwarden' };

let stateDir: string;
let ledger: Ledger;
beforeEach(async () => {
  stateDir = mkdtempSync(path.join(tmpdir(), 'dw-egress-state-'));
  ledger = await openLedger(stateDir);
});
afterEach(() => rmSync(stateDir, { recursive: true, force: true }));

describe('egress without nft', () => {
  const nft = createNft([['/nonexistent/nft']]);
  const resolve = async () => {
    throw new Error('not to be asked');
  };
  const make = (platform: string) => createEgress({ platform, ledger, resolve, clock: fakeClock(), nft });

  it('says that the tool is missing, and promises nothing', async () => {
    const status = await make('linux').hold(order(true));
    expect(status).toMatchObject({ enforcer: 'egress', wanted: 'closed', state: 'degraded' });
    for (const target of status.targets) expect(target).toMatchObject({ state: 'degraded', notes: [{ code: 'tool-missing' }] });
    expect(ledger.entries()).toEqual([]);
    expect(await make('linux').hold(order(false))).toMatchObject({ wanted: 'open', state: 'confirmed' });
  });

  it('does not call open what it cannot see any more', async () => {
    await ledger.record([{ kind: 'nft-table', enforcer: 'egress', family: 'inet', name: 'deskwarden' }]);
    expect(await make('linux').hold(order(false))).toMatchObject({
      state: 'degraded',
      targets: [{ notes: [{ code: 'tool-missing' }] }, {}],
    });
    expect(ledger.entries()).toEqual([entry]);
  });

  it.each(['win32', 'darwin'])('says that it cannot close on %s', async (platform) => {
    expect(await make(platform).hold(order(true))).toMatchObject({
      state: 'degraded',
      targets: [{ notes: [{ code: 'unsupported' }] }, {}],
    });
    expect(await make(platform).hold(order(false))).toMatchObject({ state: 'confirmed' });
  });

  it('sees no calls', async () => {
    const reader = createMediaPacketReader({ ledger, prefixes: () => mediaPrefixes, nft });
    expect(await reader.read([agentUid], 5)).toEqual([{ source: 'media-packets', side: 'privileged', says: 'unknown', observedAtMs: 5 }]);
    await reader.close();
    expect(ledger.entries()).toEqual([]);
  });
});

describe.skipIf(whyNoNft !== null)(`egress in a real ruleset${whyNoNft ? `: ${whyNoNft}` : ''}`, () => {
  let net: Awaited<ReturnType<typeof oneNamespace>>;
  let answers: Record<string, string[] | Error>;
  const clock = fakeClock();
  const make = (parts: Partial<EgressParts> = {}) =>
    createEgress({
      platform: 'linux',
      ledger,
      clock,
      nft: net.nft,
      resolve: async (host) => {
        const answer = answers[host] ?? [];
        if (answer instanceof Error) throw answer;
        return answer;
      },
      ...parts,
    });
  const nft = (...args: string[]) => net.sh('/usr/sbin/nft', ...args);
  const notes = (status: EnforcerStatus) =>
    Object.fromEntries(
      EnforcerStatus.parse(status).targets.map((one) => [one.target, one.notes.map(({ code, detail }) => `${code} ${detail}`)]),
    );

  beforeAll(async () => {
    net = await oneNamespace();
  });
  beforeEach(() => {
    answers = { 'acme.my.connect.aws': ['15.193.7.1', '2600:f0f2:7100::1'], 'transport.example.com': ['15.193.7.2'] };
  });
  afterEach(() => nft('flush', 'ruleset'));
  afterAll(() => net?.remove());

  it('leaves the tables of others byte for byte, and none of its own', async () => {
    await nft(
      'add table inet deskwarden_like; add chain inet deskwarden_like c { type filter hook output priority -150; policy accept; }; add rule inet deskwarden_like c counter',
    );
    await nft('add table ip deskwarden; add set ip deskwarden s { type ipv4_addr; flags interval; elements = { 10.0.0.0/8 } }');
    const before = await nft('list', 'ruleset');
    const egress = make();
    expect(await egress.hold(order(true))).toMatchObject({ wanted: 'closed', state: 'confirmed' });
    const closed = await nft('list', 'ruleset');
    expect(closed).toContain('table inet deskwarden {');
    expect(closed).toContain(before.trim().split('\n\n')[0]);
    expect(ledger.entries()).toEqual([entry]);
    expect(await egress.hold(order(false))).toMatchObject({ wanted: 'open', state: 'confirmed' });
    expect(await nft('list', 'ruleset')).toBe(before);
    expect(ledger.entries()).toEqual([]);
  });

  it('writes nothing while all stands', async () => {
    const egress = make();
    await egress.hold(order(true));
    const handles = await nft('-a', 'list', 'table', 'inet', 'deskwarden');
    for (let i = 0; i < 3; i++) expect(await egress.hold(order(true))).toMatchObject({ state: 'confirmed' });
    expect(await nft('-a', 'list', 'table', 'inet', 'deskwarden')).toBe(handles);
  });

  it.each([
    ['the table', 'delete table inet deskwarden'],
    ['all rules', 'flush chain inet deskwarden out'],
    ['one address', 'delete element inet deskwarden web6 { 2600:f0f2:7100::1 }'],
    ['the users', 'flush set inet deskwarden agents'],
    ['the media prefixes', 'flush set inet deskwarden media4'],
    ['an exception, put first', 'insert rule inet deskwarden out accept'],
    ['sleep', 'add table inet deskwarden { flags dormant; }'],
  ])('puts back what somebody changed, and tells it for a minute: %s', async (_, change) => {
    const egress = make();
    await egress.hold(order(true));
    const wanted = await nft('list', 'table', 'inet', 'deskwarden');
    await nft(change);
    expect(await nft('list', 'ruleset')).not.toBe(wanted);
    const status = await egress.hold(order(true));
    expect(status.state).toBe('confirmed');
    expect(notes(status)['udp-3478']).toEqual(['changed-by-other table inet deskwarden']);
    expect(await nft('list', 'table', 'inet', 'deskwarden')).toBe(wanted);
    clock.advance(60_000);
    expect(notes(await egress.hold(order(true)))).toEqual({ 'tcp-443': [], 'udp-3478': [] });
  });

  it('blocks no address that other sites share, and names the host', async () => {
    answers['acme.my.connect.aws'] = ['13.32.0.9', '15.193.7.1', '2600:9000::1'];
    const status = await make().hold(order(true));
    expect(status.targets).toMatchObject([{ state: 'degraded' }, { state: 'confirmed' }]);
    expect(notes(status)['tcp-443']).toEqual(['shared-address acme.my.connect.aws']);
    const table = await nft('list', 'table', 'inet', 'deskwarden');
    expect(table).toContain('15.193.7.1');
    expect(table).not.toMatch(/13\.32\.0\.9|2600:9000/);
  });

  it('holds the media when no name is answered, and names each host', async () => {
    answers = { 'acme.my.connect.aws': new Error('SERVFAIL'), 'transport.example.com': new Error('SERVFAIL') };
    const status = await make().hold(order(true));
    expect(status.targets).toMatchObject([{ state: 'degraded' }, { state: 'confirmed' }]);
    expect(notes(status)['tcp-443']).toEqual(['no-address acme.my.connect.aws', 'no-address transport.example.com']);
    answers = {};
    const nowhere = await make().hold(order(true));
    expect(notes(nowhere)['tcp-443']).toEqual(['no-address acme.my.connect.aws, transport.example.com']);
    answers = { 'acme.my.connect.aws': ['15.193.7.1'] };
    expect(notes(await make().hold(order(true)))['tcp-443']).toEqual([]);
    const nothing = await make().hold(order(true, { ccpHosts: [], transportHosts: [], mediaPrefixes: [] }));
    expect(notes(nothing)).toEqual({ 'tcp-443': ['no-host '], 'udp-3478': ['no-address media'] });
  });

  it('keeps its addresses when names fail later, also over a restart', async () => {
    const egress = make();
    await egress.hold(order(true));
    const elements = async () => (await nft('list', 'table', 'inet', 'deskwarden')).match(/elements = .*/g);
    const before = await elements();
    answers = { 'acme.my.connect.aws': new Error('SERVFAIL'), 'transport.example.com': new Error('SERVFAIL') };
    clock.advance(3_600_000 * 5);
    expect(await egress.hold(order(true))).toMatchObject({ state: 'confirmed' });
    expect(await elements()).toEqual(before);

    const restarted = make();
    expect(notes(await restarted.hold(order(true)))['tcp-443']).toHaveLength(2);
    expect(await elements()).toEqual(before);
    answers = { 'acme.my.connect.aws': ['15.193.7.3'], 'transport.example.com': ['15.193.7.2'] };
    clock.advance(15_000);
    expect(await restarted.hold(order(true))).toMatchObject({ state: 'confirmed' });
    expect((await elements())?.join()).not.toContain('15.193.7.1');
  });

  it('holds nobody where nobody works, and never root', async () => {
    const egress = make();
    await egress.hold(order(true));
    const status = await egress.hold(order(true, {}, []));
    expect(status).toMatchObject({ wanted: 'closed', state: 'confirmed' });
    expect(notes(status)['tcp-443']).toEqual(['no-users ']);
    expect(await nft('list', 'ruleset')).toBe('');
    await egress.hold(order(true, {}, [0, 61_002]));
    expect(await nft('list', 'set', 'inet', 'deskwarden', 'agents')).toContain('elements = { 61002 }');
  });

  it('opens what an earlier process left, with a ledger or without', async () => {
    await make().hold(order(true));
    expect(await make().hold(order(false))).toMatchObject({ state: 'confirmed' });
    expect(await nft('list', 'ruleset')).toBe('');
    await nft('add table inet deskwarden');
    expect(await make().hold(order(false))).toMatchObject({ state: 'confirmed' });
    expect(await nft('list', 'ruleset')).toBe('');
  });

  it('closes although the disk takes no ledger, and has it there once it does', async () => {
    rmSync(stateDir, { recursive: true });
    writeFileSync(stateDir, '');
    const egress = make();
    expect(await egress.hold(order(true))).toMatchObject({ state: 'confirmed' });
    rmSync(stateDir);
    expect(await egress.hold(order(true))).toMatchObject({ state: 'confirmed' });
    expect((await openLedger(stateDir)).entries()).toEqual([entry]);
  });

  it('tells of a kernel that refuses, and of a tool that hangs up', async () => {
    const powerless = createNft([
      ['/usr/sbin/ip', 'netns', 'exec', net.name, '/usr/bin/setpriv', '--bounding-set', '-all', '--no-new-privs', '/usr/sbin/nft'],
    ]);
    const status = await make({ nft: powerless }).hold(order(true));
    expect(status.state).toBe('degraded');
    expect(notes(status)['udp-3478']?.[0]).toMatch(/^write-failed .*not permitted/);
    expect(await make({ nft: createNft([['/usr/bin/false']]) }).hold(order(true))).toMatchObject({ state: 'degraded' });
    expect(await make({ nft: createNft([['/usr/bin/echo']]) }).hold(order(true))).toMatchObject({ state: 'conflict' });
  });

  it('needs CAP_NET_ADMIN and no other capability', async () => {
    const modest = createNft([
      [
        '/usr/sbin/ip',
        'netns',
        'exec',
        net.name,
        '/usr/bin/setpriv',
        '--bounding-set',
        '-all,+net_admin',
        '--no-new-privs',
        '/usr/sbin/nft',
      ],
    ]);
    const egress = make({ nft: modest });
    expect(await egress.hold(order(true))).toMatchObject({ state: 'confirmed' });
    expect(await egress.hold(order(false))).toMatchObject({ state: 'confirmed' });
  });

  it('opens and closes ten times without a miss', async () => {
    const egress = make();
    for (let i = 0; i < 10; i++) {
      expect(await egress.hold(order(true))).toMatchObject({ wanted: 'closed', state: 'confirmed' });
      expect(await egress.hold(order(false))).toMatchObject({ wanted: 'open', state: 'confirmed' });
    }
    expect(await nft('list', 'ruleset')).toBe('');
    expect((await openLedger(stateDir)).entries()).toEqual([]);
  });
});
