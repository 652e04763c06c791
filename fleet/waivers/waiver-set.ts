import { createHash } from 'node:crypto';
import { RuleId } from '../../contracts/finding.ts';

/** One line of a desk's set, before reason and name are opened. */
export interface WaiverItem {
  id: string;
  rule: string;
  until: Date;
  /** Whose reason it has. */
  source: { table: 'waiver' | 'group_release'; row: string };
}

export interface ActiveWaiver {
  id: string;
  device: string | null;
  group: string | null;
  rule: string;
  until: Date;
}

/** Of a whole group: stands for a waiver of every rule that blocks there. */
export interface ActiveRelease {
  id: string;
  group: string;
  until: Date;
}

export interface WaivedDesk {
  device: string;
  path: readonly string[];
  /** Rules that can block there, by what it is to obey and by what it still obeys. */
  blocking: ReadonlySet<string>;
}

/** As one document holds. */
const MOST_WAIVERS = 200;

/** What holds for a desk, in an order that depends on nothing else. Too many: those that last longest. */
export function itemsFor(desk: WaivedDesk, waivers: readonly ActiveWaiver[], releases: readonly ActiveRelease[]): WaiverItem[] {
  const own = waivers
    .filter(({ device, group }) => device === desk.device || (group !== null && desk.path.includes(group)))
    .map(({ id, rule, until }): WaiverItem => ({ id, rule, until, source: { table: 'waiver', row: id } }));
  const released = releases
    .filter(({ group }) => desk.path.includes(group))
    .flatMap(({ id, until }) =>
      [...desk.blocking].map((rule): WaiverItem => ({ id: idOf(id, rule), rule, until, source: { table: 'group_release', row: id } })),
    );
  return [...own, ...released].toSorted((a, b) => b.until.getTime() - a.until.getTime() || (a.id < b.id ? -1 : 1)).slice(0, MOST_WAIVERS);
}

export function digestOf(items: readonly WaiverItem[]): Buffer {
  const lines = items.map(({ id, rule, until }) => `${id} ${rule} ${until.toISOString()}\n`);
  return createHash('sha256').update(lines.join('')).digest();
}

/** RFC 9562 version 8: the same for the same release and rule, so that the set and its document stay the same. */
function idOf(release: string, rule: string): string {
  const bytes = createHash('sha256')
    .update(`${release} ${RuleId.parse(rule)}`)
    .digest()
    .subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
