import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NameCode } from '../../../../checks/network/observations.ts';
import { SHORT, type Stage, stage } from './staged-net.ts';

let staged: Stage;
beforeAll(async () => {
  staged = await stage({ both: ['10.1.1.1', '10.1.1.2', '2001:db8::1'], sixonly: ['2001:db8::5'] });
});
afterAll(() => staged.close());

const faults: [string, NameCode][] = [
  ['nxdomain', 'not-found'],
  ['nodata', 'no-data'],
  ['servfail', 'server-failed'],
  ['notimp', 'server-failed'],
  ['refused', 'refused'],
  ['formerr', 'malformed'],
  ['silent', 'timed-out'],
  ['truncated', 'timed-out'],
  ['wrongid', 'timed-out'],
  ['loop', 'malformed'],
  ['garbage', 'malformed'],
];

describe('the configured resolvers', () => {
  it.each(faults)('answer %s as %s, in time', async (label, code) => {
    const { net } = staged.open();
    const answer = await net.resolve(`${label}.example.test`, 4);
    expect(answer).toMatchObject({
      addresses: [],
      resolver: { code, addresses: [], total: 0 },
      system: null,
      servers: [staged.dns.server],
    });
    expect(answer.tookMs).toBeLessThan(1_000);
  });

  it('give the addresses of the family asked for', async () => {
    const { net } = staged.open();
    expect((await net.resolve('both.example.test', 4)).addresses).toEqual(['10.1.1.1', '10.1.1.2']);
    expect((await net.resolve('both.example.test', 6)).addresses).toEqual(['2001:db8::1']);
  });

  it('keep 16 of 500 addresses and count all', async () => {
    const answer = await staged.open().net.resolve('many.example.test', 4);
    expect(answer.addresses).toHaveLength(16);
    expect(answer.resolver).toMatchObject({ code: 'ok', total: 500 });
  });

  it('are not there: no-server', async () => {
    const { net } = staged.open({ resolverServers: ['127.0.0.1:1'] });
    expect((await net.resolve('desk.example.test', 4)).resolver.code).toBe('no-server');
  });

  it('are not asked for addresses, nor for what is no name', async () => {
    const { net } = staged.open({ resolverServers: ['127.0.0.1:1'] });
    expect(await net.resolve('192.0.2.7', 4)).toMatchObject({ addresses: ['192.0.2.7'], resolver: { code: 'ok', total: 1 } });
    expect(await net.resolve('192.0.2.7', 6)).toMatchObject({ addresses: [], resolver: { code: 'no-data' } });
    for (const name of ['', 'a'.repeat(254), 'a..b', '\u0000']) {
      expect((await net.resolve(name, 4)).addresses).toEqual([]);
    }
  });
});

describe('the operating system', () => {
  const asked = {
    systemLookup: true,
    systemLookupPath: new URL('../../../../agent/host/system-lookup-child.ts', import.meta.url),
    systemLookupArgs: ['--import', 'tsx'],
  };

  it('answers from its hosts file what the resolvers do not know', async () => {
    const { net } = staged.open(asked);
    const answer = await net.resolve('localhost', 4);
    expect(answer).toMatchObject({
      addresses: ['127.0.0.1'],
      resolver: { code: 'not-found' },
      system: { code: 'ok', addresses: ['127.0.0.1'] },
    });
  });

  const hanging = { ...asked, systemLookupPath: new URL('../../../servers/silent-lookup.mjs', import.meta.url), systemLookupArgs: [] };

  it('is waited for only a moment once the resolvers have answered', async () => {
    const { net } = staged.open({ ...hanging, deadlines: { ...SHORT, systemGraceMs: 50 } });
    const answer = await net.resolve('desk.example.test', 4);
    expect(answer).toMatchObject({ addresses: ['127.0.0.1'], system: null });
    expect(answer.tookMs).toBeLessThan(1_500);
  });

  it('hangs: null by its deadline, a new process for the next name, and none left in the end', async () => {
    const { net, close } = staged.open({ ...hanging, deadlines: { ...SHORT, systemLookupMs: 200 } });
    const first = await Promise.all(['nxdomain.a.test', 'nxdomain.b.test'].map((name) => net.resolve(name, 4)));
    const second = await net.resolve('nxdomain.c.test', 4);
    expect([...first, second].map((answer) => answer.system)).toEqual([null, null, null]);
    expect(second.tookMs).toBeLessThan(1_000);
    await close();
    expect(process.getActiveResourcesInfo()).not.toContain('ProcessWrap');
  });

  it('is not waited for once the run is closed, even while its process comes up', async () => {
    const never = ['--import', 'data:text/javascript,setInterval(() => {}, 1000); await new Promise(() => {});'];
    const { net, close } = staged.open({ ...hanging, systemLookupArgs: never });
    const asked = net.resolve('desk.example.test', 4);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const closedAt = performance.now();
    await close();
    expect(performance.now() - closedAt).toBeLessThan(1_000);
    expect((await asked).system).toBeNull();
  });

  it('cannot be asked: null', async () => {
    const { net } = staged.open({ ...asked, systemLookupPath: new URL('./no-such-child.ts', import.meta.url), systemLookupArgs: [] });
    expect((await net.resolve('nxdomain.example.test', 4)).system).toBeNull();
    expect((await net.resolve('desk.example.test', 4)).system).toBeNull();
  });
});
