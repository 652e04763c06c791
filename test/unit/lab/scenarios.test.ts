import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { PolicyFile } from '../../../contracts/policy.ts';
import { deskRuleset, packetsCounted, siteRuleset } from '../../lab/firewall.ts';
import { labPolicy, policyText } from '../../lab/policy.ts';
import { scenarios } from '../../lab/scenarios.ts';
import { nameServerRecords, toolsOf } from '../../lab/site-servers.ts';

const root = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';
const all = [...scenarios.values()];

describe('the table of scenarios', () => {
  it('names each once, in kebab-case, with one line about it', () => {
    expect(all.map(({ name }) => name)).toEqual([...new Set(all.map(({ name }) => name))]);
    for (const { name, summary } of all) {
      expect(name).toMatch(/^[a-z]+(-[a-z]+)*$/);
      expect(summary).toMatch(/^[^\n]{10,110}$/);
    }
  });

  it.each(all.map((scenario) => [scenario.name, scenario] as const))('%s has a policy that the product reads', (_, scenario) => {
    const policy = scenario.policy?.(labPolicy(root)) ?? labPolicy(root);
    const read = PolicyFile.parse(parse(policyText(policy)));
    expect(read.network.extraRoots).toEqual([root]);
    expect(read.network.turnAnswers).toBe(scenario.name === 'udp-blocked-unexpected' ? 'unknown' : 'expected');
    expect(read.network.proxy).toBe(scenario.name === 'proxy-only' ? 'http://192.168.71.1:3128' : 'none');
  });

  it('needs beyond the base only what it stages', () => {
    const needed = Object.fromEntries(all.map((scenario) => [scenario.name, toolsOf(scenario)]));
    expect(needed).toMatchObject({
      healthy: ['turnserver'],
      'tls-intercepted': ['mitmdump', 'turnserver'],
      'proxy-only': ['squid', 'turnserver'],
      'websocket-stripped': ['nginx', 'turnserver'],
      'stun-only': ['stund'],
      'clock-skew': ['turnserver', 'libfaketime'],
      'clock-skew-desk': ['turnserver', 'libfaketime'],
    });
  });
});

describe('the firewall', () => {
  it('of a healthy site has its counters and no chain', () => {
    expect(siteRuleset({ name: 'x', summary: 'x' })).toBe('table ip lab {\ncounter blocked {}\ncounter loss {}\n}\n');
    expect(deskRuleset({ name: 'x', summary: 'x' })).toBeNull();
  });

  it('filters only what comes from the desk', () => {
    expect(siteRuleset({ name: 'x', summary: 'x', siteInput: ['udp dport 1 drop'] })).toContain(
      'chain site_input {\ntype filter hook input priority filter;\niifname "veth0" udp dport 1 drop\n}',
    );
  });

  it('reads a counter by its name and says which there are', () => {
    const ruleset = { nftables: [{ metainfo: {} }, { counter: { name: 'loss', packets: 10, bytes: 1_880 } }] };
    expect(packetsCounted(ruleset, 'loss')).toBe(10);
    expect(() => packetsCounted(ruleset, 'lost')).toThrow('no counter "lost": it has blocked and loss');
  });
});

describe('the name server', () => {
  it('of a hijacked site has no host record that would win over the wildcard', () => {
    expect(nameServerRecords({ name: 'x', summary: 'x', names: 'hijacked' })).toEqual(['--address=/#/198.51.100.7']);
  });

  it('may lack the TURN hosts only', () => {
    const records = nameServerRecords({ name: 'x', summary: 'x', names: 'without-turn' });
    expect(records).toContain('--host-record=acme.my.connect.aws,54.148.10.10');
    expect(records.filter((record) => record.includes('TurnNlb'))).toEqual([]);
  });
});
