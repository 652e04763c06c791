import type { Allowlist, AllowlistRegion, AllowlistRow, RowFeature, TurnHost } from '../../contracts/allowlist.ts';
import type { Features, Instance } from '../../contracts/instance.ts';
import type { NotApplicableReason } from '../../contracts/outcome.ts';
import type { NetworkSettings } from '../../contracts/policy.ts';

export interface Endpoint {
  /** Row of the allowlist it comes from. */
  row: string;
  host: string;
  port: number;
  protocol: 'tcp' | 'udp';
  purpose: AllowlistRow['purpose'];
  /** The Region it stands in; under Global Resiliency the paired Region's hosts are listed too. */
  region: string;
  websocket: boolean;
  source: string;
  /** Only for TURN hosts. */
  turn?: { standing: TurnHost['standing']; answersExpected: boolean };
}

/** A row that has no host to look at, and why. */
export interface SkippedRow {
  row: string;
  pattern: string;
  port: number;
  protocol: 'tcp' | 'udp';
  region: string;
  because: Extract<NotApplicableReason, 'no-documented-host' | 'not-configured' | 'feature-absent'>;
  source: string;
}

interface Wanted {
  instance: Instance;
  features: Features;
  network: NetworkSettings;
}

/** Expands every row of the allowlist for this instance. The Region must be one of the allowlist's. */
export function planEndpoints(wanted: Wanted, allowlist: Allowlist): { endpoints: Endpoint[]; skipped: SkippedRow[] } {
  const endpoints: Endpoint[] = [];
  const skipped: SkippedRow[] = [];
  const taken = new Set<string>();
  for (const region of regionsOf(wanted, allowlist)) {
    const facts = allowlist.regions[region];
    if (!facts) continue;
    for (const row of allowlist.rows) {
      // Sign-in and discovery of Global Resiliency stand in the source Region alone, which the policy names.
      if (row.feature === 'global-resiliency' && region !== wanted.instance.region) continue;
      const about = { row: row.id, port: row.port, protocol: row.protocol, region, source: row.source };
      const because = whyNot(row, wanted);
      const expanded = because === null ? expand(row, wanted, region, facts) : because;
      if (typeof expanded === 'string') {
        skipped.push({ ...about, pattern: fillIn(row.pattern, wanted, region, facts), because: expanded });
        continue;
      }
      for (const found of expanded) {
        const key = `${row.protocol}:${found.host.toLowerCase()}:${row.port}`;
        if (taken.has(key)) continue;
        taken.add(key);
        endpoints.push({ ...about, ...found, purpose: row.purpose, websocket: row.websocket });
      }
    }
  }
  return { endpoints, skipped };
}

function regionsOf({ instance, features }: Wanted, allowlist: Allowlist): string[] {
  if (!features.globalResiliency) return [instance.region];
  const pair = allowlist.resiliencyPairs.find((p) => p.includes(instance.region));
  return pair ? [instance.region, ...pair.filter((r) => r !== instance.region)] : [instance.region];
}

const featureIsOn: Record<RowFeature, (w: Wanted) => boolean> = {
  core: () => true,
  voice: (w) => w.features.voice,
  chat: (w) => w.features.chat,
  attachments: (w) => w.features.attachments !== false,
  video: (w) => w.features.video,
  'global-resiliency': (w) => w.features.globalResiliency,
  'screen-recording': (w) => w.features.screenRecording,
  saml: (w) => w.instance.identity === 'saml',
  'non-saml': (w) => w.instance.identity === 'non-saml',
  'non-saml-gov': (w) => w.instance.identity === 'non-saml' && w.instance.govCloud,
};

function whyNot(row: AllowlistRow, wanted: Wanted): SkippedRow['because'] | null {
  if (!featureIsOn[row.feature](wanted)) return 'feature-absent';
  const askedFor = wanted.network.optional.includes(row.id) || wanted.network.hosts[row.id] !== undefined;
  return row.need === 'optional' && !askedFor ? 'not-configured' : null;
}

type Found = Pick<Endpoint, 'host' | 'turn'>;

function expand(row: AllowlistRow, wanted: Wanted, region: string, facts: AllowlistRegion): Found[] | SkippedRow['because'] {
  const named = wanted.network.hosts[row.id];
  if (named) return named.map((host) => (row.pattern === '[turn]' ? { host, turn: officialTurn(wanted) } : { host }));
  const listed = listOf(row.pattern, wanted, facts);
  if (listed) return listed.length > 0 ? listed : 'no-documented-host';
  const host = fillIn(row.pattern, wanted, region, facts);
  if (host.includes('{')) return 'not-configured';
  return host.includes('*') ? 'no-documented-host' : [{ host }];
}

/** A TURN host that the policy itself names is as good as an official one. */
function officialTurn(wanted: Wanted): NonNullable<Endpoint['turn']> {
  return { standing: 'official', answersExpected: wanted.network.turnAnswers === 'expected' };
}

/** The Region's list that a pattern such as `[turn]` names; undefined for a pattern that is a host name. */
function listOf(pattern: string, wanted: Wanted, facts: AllowlistRegion): Found[] | undefined {
  const expected = wanted.network.turnAnswers === 'expected';
  switch (pattern) {
    case '[turn]':
      return facts.turn.map(({ host, standing, answers }) => ({
        host,
        turn: { standing, answersExpected: answers === 'seen' || (expected && standing === 'official') },
      }));
    case '[static]':
      return facts.static.map((host) => ({ host }));
    case '[staticNonSaml]':
      return facts.staticNonSaml.map((host) => ({ host }));
    case '[scheduling]':
      return facts.scheduling.map((host) => ({ host }));
    case '[samlSignin]':
      return facts.samlSignin.map((host) => ({ host }));
    default:
      return undefined;
  }
}

function fillIn(pattern: string, { instance, features }: Wanted, region: string, facts: AllowlistRegion): string {
  const values: Record<string, string | undefined> = {
    alias: instance.alias,
    instanceId: instance.id,
    instanceDomain: facts.instanceDomain,
    region,
    bucket: features.attachments ? features.attachments.bucket : undefined,
  };
  return pattern.replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
}
