import type { Scenario } from './scenario.ts';
import { canary } from './world.ts';

const siteCounters = ['blocked', 'loss'] as const;

/** The site's whole ruleset. Its servers have their addresses on `lo`, so that the desk's packets pass `input`, not `forward`. */
export function siteRuleset({ siteInput = [], siteOutput = [], redirects = {} }: Scenario): string {
  const lines = [
    'table ip lab {',
    ...siteCounters.map((name) => `counter ${name} {}`),
    ...chain('site_input', 'filter hook input priority filter', 'iifname "veth0"', siteInput),
    ...chain('site_output', 'filter hook output priority filter', 'oifname "veth0"', siteOutput),
    // A middlebox's own connections to the servers do not come in by veth0. The canary stays what it is: closed.
    ...chain(
      'redirects',
      'nat hook prerouting priority dstnat',
      `iifname "veth0" ip daddr != ${canary.address}`,
      Object.entries(redirects).map(([from, to]) => `tcp dport ${from} redirect to :${to}`),
    ),
    '}',
  ];
  return `${lines.join('\n')}\n`;
}

/** Null where the desk has no firewall of its own. */
export function deskRuleset({ deskOutput }: Scenario): string | null {
  if (!deskOutput) return null;
  const lines = ['table ip desk {', ...chain('desk_output', 'filter hook output priority filter', 'oifname "veth0"', deskOutput), '}'];
  return `${lines.join('\n')}\n`;
}

/** An empty nat chain would start connection tracking in scenarios without one. */
function chain(name: string, hook: string, match: string, rules: readonly string[]): string[] {
  if (rules.length === 0) return [];
  return [`chain ${name} {`, `type ${hook};`, ...rules.map((rule) => `${match} ${rule}`), '}'];
}

/** The answer of `nft -j list ruleset`. */
export interface Ruleset {
  nftables: Record<string, Record<string, unknown>>[];
}

export function packetsCounted(ruleset: Ruleset, name: string): number {
  for (const { counter } of ruleset.nftables) {
    if (counter?.name === name) return Number(counter.packets);
  }
  throw new Error(`the site's firewall has no counter "${name}": it has ${siteCounters.join(' and ')}`);
}
