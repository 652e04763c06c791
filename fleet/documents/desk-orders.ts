import { sql } from 'kysely';
import { Heartbeat, type Revisions } from '../../contracts/fleet-api.ts';
import { Policy } from '../../contracts/policy.ts';
import { type DocumentKind, SignedDocument } from '../../contracts/signed-document.ts';
import type { Tx } from '../db/tenancy.ts';
import { assignedPolicies } from '../policies/assigned-policy.ts';
import { type DeskPlace, deskPlaces } from '../policies/desk-places.ts';
import { type PublishedPolicy, policyContent, publishedPolicies, readResolved } from '../policies/policy-content.ts';
import { activeReleases, activeWaivers } from '../waivers/active-waivers.ts';
import { waiverContent } from '../waivers/waiver-content.ts';
import { itemsFor } from '../waivers/waiver-set.ts';
import { type DocumentInstance, readInstance } from './document-rows.ts';
import { currentKey, type IssuingDeps } from './issue.ts';
import { newestRevisions, type Want } from './newest-revision.ts';
import { documentAt, newestForAll, rotationsAfter } from './stored-documents.ts';

export interface HoldingDesk {
  id: string;
  /** As its heartbeat says. */
  held: Revisions;
}

/**
 * The revisions that each desk is to have now: by where it stands, what is assigned there and what is waived at this moment.
 * Issues what is not there yet, so it needs a transaction that may write. Desks that are not of the instance are left out.
 */
export async function latestRevisions(
  deps: IssuingDeps,
  tx: Tx,
  instanceId: string,
  desks: readonly HoldingDesk[],
): Promise<Map<string, Revisions>> {
  const instance = await readInstance(tx, instanceId);
  if (!instance || desks.length === 0) return new Map();
  await currentKey(deps, tx, instance);
  const orders = await readOrders(tx, instance, desks);
  const policy = await newestRevisions(deps, tx, instance, 'policy', policyWants(tx, instance, orders));
  const allowlist = await newestForAll(tx, instance, 'allowlist');
  const waivers = await newestRevisions(deps, tx, instance, 'waivers', await waiverWants(deps, tx, instance, orders));
  const keys = await newestForAll(tx, instance, 'keys');
  return new Map(orders.map(({ id }) => [id, { policy: policy.get(id) ?? 0, allowlist, waivers: waivers.get(id) ?? 0, keys }]));
}

/** What a desk is to fetch of one kind; nothing where it holds that already. */
export async function documentsFor(
  deps: IssuingDeps,
  tx: Tx,
  desk: { instance: string; device: string },
  kind: DocumentKind,
  after: number,
): Promise<SignedDocument[]> {
  const instance = await readInstance(tx, desk.instance);
  if (!instance) return [];
  if (kind === 'keys') return rotationsAfter(deps, tx, instance, after);
  const revision = await revisionFor(deps, tx, instance, desk.device, kind, after);
  const document = revision > after ? await documentAt(deps, tx, instance, kind, revision) : null;
  return document ? [document] : [];
}

async function revisionFor(
  deps: IssuingDeps,
  tx: Tx,
  instance: DocumentInstance,
  device: string,
  kind: Exclude<DocumentKind, 'keys'>,
  after: number,
): Promise<number> {
  await currentKey(deps, tx, instance);
  if (kind === 'allowlist') return newestForAll(tx, instance, 'allowlist');
  const held = { ...(await lastHeld(tx, device)), [kind]: after };
  const orders = await readOrders(tx, instance, [{ id: device, held }]);
  const wants = kind === 'policy' ? policyWants(tx, instance, orders) : await waiverWants(deps, tx, instance, orders);
  return (await newestRevisions(deps, tx, instance, kind, wants)).get(device) ?? after;
}

const Held = Heartbeat.shape.held;
const nothingHeld: Revisions = { policy: 0, allowlist: 0, waivers: 0, keys: 0 };

/** As its last heartbeat said. */
async function lastHeld(tx: Tx, device: string): Promise<Revisions> {
  const row = await tx.selectFrom('desk_heartbeat').select('held').where('device_id', '=', device).executeTakeFirst();
  return Held.catch(nothingHeld).parse(row?.held);
}

interface DeskOrder extends HoldingDesk {
  place: DeskPlace;
  policy: PublishedPolicy | null;
}

async function readOrders(tx: Tx, instance: DocumentInstance, desks: readonly HoldingDesk[]): Promise<DeskOrder[]> {
  const places = await deskPlaces(
    tx,
    instance.id,
    desks.map(({ id }) => id),
  );
  const assigned = await assignedPolicies(tx, instance.id, places);
  const published = await publishedPolicies(tx, instance.id, [...new Set(assigned.values())]);
  return desks.flatMap((desk) => {
    const place = places.get(desk.id);
    return place ? [{ ...desk, place, policy: published.get(assigned.get(desk.id) ?? '') ?? null }] : [];
  });
}

function policyWants(tx: Tx, instance: DocumentInstance, orders: readonly DeskOrder[]): Want[] {
  return orders.map(({ id, held, policy }) => ({
    device: id,
    held: held.policy,
    content: policy && policyContent(tx, instance.id, policy),
  }));
}

async function waiverWants(deps: IssuingDeps, tx: Tx, instance: DocumentInstance, orders: readonly DeskOrder[]): Promise<Want[]> {
  const now = deps.now();
  const waivers = await activeWaivers(
    tx,
    instance.id,
    orders.map(({ id }) => id),
    now,
  );
  const releases = await activeReleases(tx, instance.id, now);
  const released = orders.filter(({ place }) => releases.some(({ group }) => place.path.includes(group)));
  const blocking = await blockingRules(tx, instance, released);
  return orders.map((order) => {
    const items = itemsFor({ device: order.id, path: order.place.path, blocking: blocking(order) }, waivers, releases);
    // A desk that never had one needs no document to say that there is none.
    const content = items.length === 0 && order.held.waivers === 0 ? null : waiverContent(tx, deps.keyring, instance, items);
    return { device: order.id, held: order.held.waivers, content };
  });
}

/** Rules that can block, by what a desk is to obey and by what it holds: until it has fetched the new one, that is another. */
async function blockingRules(
  tx: Tx,
  instance: DocumentInstance,
  orders: readonly DeskOrder[],
): Promise<(order: DeskOrder) => ReadonlySet<string>> {
  const byPolicy = new Map<string, string[]>();
  for (const { policy } of orders) {
    if (!policy || byPolicy.has(policy.policy)) continue;
    byPolicy.set(policy.policy, blockingOf(await readResolved(tx, instance.id, policy.policy, policy.revision)));
  }
  const revisions = [...new Set(orders.map(({ held }) => held.policy))].filter((held) => held > 0);
  const rows =
    revisions.length === 0
      ? []
      : await tx
          .selectFrom('signed_document')
          .select(['revision', 'envelope'])
          .where('instance_id', '=', instance.id)
          .where('kind', '=', 'policy')
          .where('revision', '=', sql<number>`any(${revisions}::bigint[])`)
          .execute();
  const byRevision = new Map(
    rows.map(({ revision, envelope }) => {
      const body: unknown = JSON.parse(SignedDocument.parse(envelope).body);
      return [revision, blockingOf(Policy.parse(body))];
    }),
  );
  return ({ policy, held }) => new Set([...(byPolicy.get(policy?.policy ?? '') ?? []), ...(byRevision.get(held.policy) ?? [])]);
}

function blockingOf({ rules }: Policy): string[] {
  return rules.filter(({ on }) => Object.values(on).includes('block')).map(({ id }) => id);
}
