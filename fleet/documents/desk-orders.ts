import { sql } from 'kysely';
import { Heartbeat, type Revisions } from '../../contracts/fleet-api.ts';
import { Policy } from '../../contracts/policy.ts';
import { type DocumentKind, SignedDocument } from '../../contracts/signed-document.ts';
import { sealingContent } from '../crypto/sealing-order.ts';
import type { Tx } from '../db/tenancy.ts';
import { assignedPolicies } from '../policies/assigned-policy.ts';
import { type DeskPlace, deskPlaces } from '../policies/desk-places.ts';
import { type PublishedPolicy, policyContent, publishedPolicies, readResolved } from '../policies/policy-content.ts';
import { activeReleases, activeWaivers } from '../waivers/active-waivers.ts';
import { waiverContent } from '../waivers/waiver-content.ts';
import { itemsFor } from '../waivers/waiver-set.ts';
import { type DocumentInstance, readInstance } from './document-rows.ts';
import { currentKey } from './issue.ts';
import { newestRevisions, type OrderDeps, type Want } from './newest-revision.ts';
import { documentAt, newestForAll, rotationsAfter } from './stored-documents.ts';
import { UnreadablePolicy } from './unreadable-policy.ts';

export type { OrderDeps } from './newest-revision.ts';

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
  deps: OrderDeps,
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
  const sealing = await newestRevisions(deps, tx, instance, 'sealing', await sealingWants(tx, instance, orders));
  const keys = await newestForAll(tx, instance, 'keys');
  return new Map(
    orders.map(({ id }) => [
      id,
      { policy: policy.get(id) ?? 0, allowlist, waivers: waivers.get(id) ?? 0, sealing: sealing.get(id) ?? 0, keys },
    ]),
  );
}

/** What a desk is to fetch of one kind; nothing where it holds that already. */
export async function documentsFor(
  deps: OrderDeps,
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
  deps: OrderDeps,
  tx: Tx,
  instance: DocumentInstance,
  device: string,
  kind: Exclude<DocumentKind, 'keys'>,
  after: number,
): Promise<number> {
  await currentKey(deps, tx, instance);
  if (kind === 'allowlist') return newestForAll(tx, instance, 'allowlist');
  const held = { ...(await lastHeld(tx, device)), [kind]: after };
  const newestOne = async (wants: readonly Want[]) => (await newestRevisions(deps, tx, instance, kind, wants)).get(device) ?? after;
  if (kind === 'sealing') return newestOne(await sealingWants(tx, instance, [{ id: device, held }]));
  const orders = await readOrders(tx, instance, [{ id: device, held }]);
  return newestOne(kind === 'policy' ? policyWants(tx, instance, orders) : await waiverWants(deps, tx, instance, orders));
}

const Held = Heartbeat.shape.held;
const nothingHeld: Revisions = { policy: 0, allowlist: 0, waivers: 0, sealing: 0, keys: 0 };

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

async function sealingWants(tx: Tx, { id: instance }: DocumentInstance, desks: readonly HoldingDesk[]): Promise<Want[]> {
  const { content, isNone } = await sealingContent(tx, instance);
  return desks.map(({ id, held: { sealing: held } }) => ({ device: id, held, content: isNone && held === 0 ? null : content }));
}

async function waiverWants(deps: OrderDeps, tx: Tx, instance: DocumentInstance, orders: readonly DeskOrder[]): Promise<Want[]> {
  const now = deps.now();
  const waivers = await activeWaivers(
    tx,
    instance.id,
    orders.map(({ id }) => id),
    now,
  );
  const releases = await activeReleases(tx, instance.id, now);
  const released = orders.filter(({ place }) => releases.some(({ group }) => place.path.includes(group)));
  const blockingOf = await blockingRules(deps, tx, instance, released);
  return orders.map((order) => {
    const blocking = released.includes(order) ? blockingOf(order) : new Set<string>();
    if (blocking === null) return { device: order.id, held: order.held.waivers, content: null };
    const items = itemsFor({ device: order.id, path: order.place.path, blocking }, waivers, releases);
    // A desk that never had one needs no document to say that there is none.
    const content = items.length === 0 && order.held.waivers === 0 ? null : waiverContent(tx, deps.keyring, instance, items);
    return { device: order.id, held: order.held.waivers, content };
  });
}

/**
 * Rules that can block, by what a desk is to obey and by what it holds: until it has fetched the new one, that is another. Null: not
 * to be known, since neither can be read by this version.
 */
async function blockingRules(
  { onUnreadable }: OrderDeps,
  tx: Tx,
  instance: DocumentInstance,
  orders: readonly DeskOrder[],
): Promise<(order: DeskOrder) => ReadonlySet<string> | null> {
  const byPolicy = new Map<string, string[] | null>();
  for (const { policy } of orders) {
    if (!policy || byPolicy.has(policy.policy)) continue;
    const read = await readResolved(tx, instance.id, policy.policy, policy.revision).catch((error: unknown) => {
      if (!(error instanceof UnreadablePolicy)) throw error;
      onUnreadable(error);
      return null;
    });
    byPolicy.set(policy.policy, read && blockingOf(read));
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
  const byRevision = new Map(rows.map(({ revision, envelope }) => [revision, blockingIn(envelope)]));
  return ({ policy, held }) => {
    const known = [byPolicy.get(policy?.policy ?? ''), byRevision.get(held.policy)].filter((rules) => rules !== undefined);
    const read = known.filter((rules) => rules !== null);
    return known.length > 0 && read.length === 0 ? null : new Set(read.flat());
  };
}

function blockingIn(envelope: unknown): string[] | null {
  const document = SignedDocument.safeParse(envelope);
  const policy = document.success ? Policy.safeParse(JSON.parse(document.data.body)) : null;
  return policy?.success ? blockingOf(policy.data) : null;
}

function blockingOf({ rules }: Policy): string[] {
  return rules.filter(({ on }) => Object.values(on).includes('block')).map(({ id }) => id);
}
