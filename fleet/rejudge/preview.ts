import { performance } from 'node:perf_hooks';
import { setImmediate as breathe } from 'node:timers/promises';
import { catalog } from '../../checks/catalog.ts';
import type { AnyCheck } from '../../checks/check.ts';
import { makePlan } from '../../checks/plan.ts';
import type { Allowlist } from '../../contracts/allowlist.ts';
import type { PreviewSummary } from '../../contracts/console/rejudge.ts';
import { RuleId } from '../../contracts/finding.ts';
import type { Policy } from '../../contracts/policy.ts';
import type { Standing } from '../../contracts/verdict.ts';
import type { Actor } from '../access/actor.ts';
import type { Keyring } from '../crypto/keyring.ts';
import type { Db, Tx } from '../db/tenancy.ts';
import { FindingDetail, findingPlace } from '../intake/finding-detail.ts';
import { type Assignment, policyAt, readAssignments } from '../policies/assigned-policy.ts';
import { type DeskPlace, deskPlaces } from '../policies/desk-places.ts';
import { activeReleases, activeWaivers } from '../waivers/active-waivers.ts';
import { itemsFor } from '../waivers/waiver-set.ts';
import { currentAllowlist, knownBases } from './desk-basis.ts';
import { type Basis, findingFor, needsDetail, type StoredFinding, sameQuestions } from './judge-rule.ts';
import { type DeskRow, readDesks, readFindings, type SealedFinding } from './read-desks.ts';
import { type Draft, type Rejudged, rejudgeDesk } from './rejudge-desk.ts';
import { startTally } from './tally.ts';

export interface PreviewDeps {
  db: Db;
  keyring: Keyring;
  now: () => Date;
  shipped: Allowlist;
  checks?: readonly AnyCheck[];
}

export interface PreviewAsk {
  tenant: string;
  instance: string;
  policy: Policy;
  reach: 'assigned' | 'instance';
  /** Counts only what this one may see. */
  actor: Actor;
  stop?: AbortSignal;
}

export interface MovedDesk {
  device: string;
  before: Standing;
  after: Rejudged;
}

export interface PreviewResult {
  summary: PreviewSummary;
  /** False: the draft reaches desks that the one who asks may not see. */
  complete: boolean;
}

/** Desks that are in memory at a time: 200 with 12 findings of 2 KiB are 5 MB. */
const CHUNK = 200;
/** Judging gives way to other work after so long: intake answers within 250 ms. */
const SLICE_MS = 10;
const SILENT_MS = 24 * 60 * 60_000;

/** Judges the stored evidence of every desk that the draft reaches. Chunk by chunk, each in a transaction of its own. */
export async function preview(
  { db, keyring, now, shipped, checks = catalog }: PreviewDeps,
  ask: PreviewAsk,
  /** Desks whose standing would be another, with the transaction of their chunk. */
  onMoved: (tx: Tx, moved: readonly MovedDesk[]) => Promise<void> = async () => {},
): Promise<PreviewResult> {
  const scope = { tenant: ask.tenant, instance: ask.instance };
  const allowlist = await db.within(scope, (tx) => currentAllowlist(tx, ask.instance, shipped));
  const draft: Draft = { policy: ask.policy, plan: makePlan(ask.policy, allowlist), checks };
  const basis: Basis = { policy: ask.policy, allowlist: allowlist.revision };
  const bases = knownBases(ask.instance);
  const wanted = [...new Set(ask.policy.rules.map(({ check }) => check))];
  const blocking = new Set(ask.policy.rules.filter(({ on }) => Object.values(on).includes('block')).map(({ id }) => id));
  const compared = new Map<Policy, Map<number, ReadonlySet<string>>>();
  const nothingTheSame: ReadonlySet<string> = new Set();
  const tally = startTally();
  let complete = true;
  let after: string | null = null;
  let sliceFrom = performance.now();

  for (;;) {
    ask.stop?.throwIfAborted();
    const from: string | null = after;
    const desks: DeskRow[] = await db.within(scope, (tx) => judgeChunk(tx, from));
    if (desks.length < CHUNK) return { summary: tally.summary(), complete };
    after = desks.at(-1)?.id ?? null;
  }

  async function judgeChunk(tx: Tx, from: string | null): Promise<DeskRow[]> {
    const desks = await readDesks(tx, ask.instance, ask.actor, from, CHUNK);
    const places = await deskPlaces(
      tx,
      ask.instance,
      desks.map(({ id }) => id),
    );
    const assignments = ask.reach === 'assigned' ? await readAssignments(tx, ask.instance) : [];
    const reached = desks.filter(({ id }) => isReached(places.get(id), assignments));
    const seen = reached.filter(({ visible }) => visible);
    if (seen.length < reached.length) complete = false;
    if (seen.length === 0) return desks;

    const sameByDesk = new Map<string, ReadonlySet<string>>();
    for (const { id, said } of seen) sameByDesk.set(id, sameFor(await bases.of(tx, said)));
    const isAnew = ask.policy.rules.filter(({ id }) => seen.some((desk) => !sameByDesk.get(desk.id)?.has(id)));
    const ids = seen.map(({ id }) => id);
    const findings = await readFindings(tx, ids, wanted, [...new Set(isAnew.map(({ check }) => check))]);
    const waivers = await activeWaivers(tx, ask.instance, ids, now());
    const releases = await activeReleases(tx, ask.instance, now());

    const moved: MovedDesk[] = [];
    for (const desk of seen) {
      const same = sameByDesk.get(desk.id) ?? new Set<string>();
      const stored = findings.get(desk.id) ?? [];
      const evidence = {
        findings: await openDetails(tx, desk.id, stored, same),
        same,
        waivers: itemsFor({ device: desk.id, path: places.get(desk.id)?.path ?? [], blocking }, waivers, releases).map((item) => ({
          id: item.id,
          rule: RuleId.parse(item.rule),
          until: item.until.toISOString(),
        })),
      };
      const judged = rejudgeDesk(draft, evidence, now());
      const neverReported = desk.said === null && stored.length === 0;
      const result: Rejudged = neverReported ? { ...judged, standing: 'undetermined' } : judged;
      const silent = desk.heardAt === null || now().getTime() - desk.heardAt.getTime() > SILENT_MS;
      tally.add({ before: desk.standing, after: result, neverReported, silent });
      if (result.standing !== desk.standing) moved.push({ device: desk.id, before: desk.standing, after: result });
      await giveWay();
    }
    if (moved.length > 0) await onMoved(tx, moved);
    return desks;
  }

  function isReached(place: DeskPlace | undefined, assignments: readonly Assignment[]): boolean {
    if (!place) return false;
    return ask.reach === 'instance' || policyAt(place, assignments) === ask.policy.id;
  }

  /** Desks obey few policies, so that each is compared with the draft once. */
  function sameFor(before: Basis | null): ReadonlySet<string> {
    if (!before) return nothingTheSame;
    const known = compared.get(before.policy)?.get(before.allowlist);
    if (known) return known;
    const same = sameQuestions(basis, before, checks);
    compared.set(before.policy, (compared.get(before.policy) ?? new Map()).set(before.allowlist, same));
    return same;
  }

  async function openDetails(
    tx: Tx,
    device: string,
    stored: readonly SealedFinding[],
    same: ReadonlySet<string>,
  ): Promise<StoredFinding[]> {
    const plain = stored.map(({ finding }) => finding);
    const opened: StoredFinding[] = [];
    for (const { finding, sealed } of stored) {
      const isNeeded = ask.policy.rules.some((rule) => findingFor(rule, plain) === finding && needsDetail(rule, finding, same));
      if (!isNeeded || finding.partial || sealed.length === 0) {
        opened.push(finding);
        continue;
      }
      const text = await keyring.open(tx, scope, 'evidence', findingPlace(device, finding.rule), sealed);
      opened.push({ ...finding, detail: FindingDetail.parse(JSON.parse(text.toString('utf8'))) });
    }
    return opened;
  }

  async function giveWay(): Promise<void> {
    if (performance.now() - sliceFrom < SLICE_MS) return;
    await breathe();
    sliceFrom = performance.now();
  }
}
