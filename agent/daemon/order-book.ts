import path from 'node:path';
import type { AnyCheck } from '../../checks/check.ts';
import { makePlan } from '../../checks/plan.ts';
import { resolvePolicy, signedPolicyProblems } from '../../checks/resolve-policy.ts';
import { Allowlist } from '../../contracts/allowlist.ts';
import type { Vantage } from '../../contracts/finding.ts';
import type { Revisions } from '../../contracts/fleet-api.ts';
import { Policy, PolicyFile } from '../../contracts/policy.ts';
import { type SealingKey, SealingOrder } from '../../contracts/sealing.ts';
import type { DocumentClaims, DocumentKind, VerificationKey } from '../../contracts/signed-document.ts';
import { WaiverSet } from '../../contracts/waiver.ts';
import type { GateScope } from '../gate/enforcer.ts';
import { gateScope } from '../gate/gate-scope.ts';
import { openDocumentStore } from '../store/document-store.ts';
import { openKeyStore } from '../store/key-store.ts';
import type { Refusal } from '../store/read-document.ts';
import type { SetAside } from '../store/state-file.ts';
import type { Orders } from './desk.ts';

/** What the desk obeys now, and where that came from. */
export interface StandingOrders {
  orders: Orders;
  scope: GateScope;
  /** The policy came from the fleet. Another one is only observed. */
  signed: boolean;
  /** There is no policy yet: the desk looks at nothing and decides nothing. */
  unassigned: boolean;
  /** To which restricted fields are sealed. Null: the fleet has signed none, and they stay here. */
  sealingKey: SealingKey | null;
}

export interface OrderBook {
  current(): StandingOrders;
  /** Of what the fleet has signed; 0 for none. */
  held(): Revisions;
  /** On the disk when this resolves; a refused document leaves everything as it was. */
  accept(kind: DocumentKind, envelope: unknown): Promise<{ ok: true } | Refusal>;
}

/** Whom the desk believes: what enrolment brought. */
export interface Trust {
  instance: DocumentClaims['instance'];
  signingKeys: readonly VerificationKey[];
}

export interface OrderBookSettings {
  stateDir: string;
  checks: readonly AnyCheck[];
  /** The allowlist that this version ships with. */
  bundled: Allowlist;
  /** Of a file of IT's, obeyed until the fleet has signed one; null: what every check recommends. */
  localPolicy: Policy | null;
  trust: Trust | null;
  vantageOf: (policy: Policy) => Vantage;
  onSetAside: (report: SetAside) => void;
}

/** Without a fleet there is nothing to hold and nobody to believe: the local policy stands, if there is one. */
export async function openOrderBook(settings: OrderBookSettings): Promise<OrderBook> {
  const { trust } = settings;
  const documents = trust && (await openDocuments(settings, trust));
  const own = settings.localPolicy ?? (trust && builtIn(trust.instance, settings.checks));
  const local = own ?? nothing(settings.bundled);
  let standing = makeStanding();

  /** A plan is made anew only for another policy or allowlist: the desk looks at everything again when it changes. */
  function makeStanding(last?: StandingOrders & { allowlist: Allowlist }): StandingOrders & { allowlist: Allowlist } {
    const signedPolicy = documents?.policy.current() ?? null;
    const policy = signedPolicy ?? local;
    const allowlist = newest(settings.bundled, documents?.allowlist.current() ?? null);
    const waivers = documents?.waivers.current()?.waivers ?? [];
    const same = last?.orders.policy === policy && last.allowlist === allowlist;
    const plan = same ? last.orders.plan : makePlan(policy, allowlist);
    return {
      orders: { policy, plan, waivers, vantage: settings.vantageOf(policy) },
      scope: same ? last.scope : gateScope(plan, allowlist),
      signed: signedPolicy !== null,
      unassigned: signedPolicy === null && own === null,
      sealingKey: documents?.sealing.current()?.key ?? null,
      allowlist,
    };
  }

  return {
    current: () => standing,
    held: () => ({
      policy: documents?.policy.revision() ?? 0,
      allowlist: documents?.allowlist.revision() ?? 0,
      waivers: documents?.waivers.revision() ?? 0,
      sealing: documents?.sealing.revision() ?? 0,
      keys: documents?.keys.revision() ?? 0,
    }),
    async accept(kind, envelope) {
      if (!documents) return { ok: false, code: 'bad-signature', detail: 'this desk is not enrolled, and believes no signature' };
      const taken = await documents[kind].accept(envelope);
      if (!taken.ok) return taken;
      standing = makeStanding(standing);
      return { ok: true };
    },
  };
}

async function openDocuments({ stateDir, checks, bundled, onSetAside }: OrderBookSettings, { instance, signingKeys }: Trust) {
  const dir = path.join(stateDir, 'documents');
  const keys = await openKeyStore({ dir, roots: signingKeys, instance, onSetAside });
  const common = { dir, trustedKeys: keys, instance, onSetAside };
  const allowlist = await openDocumentStore({
    ...common,
    kind: 'allowlist',
    schema: Allowlist,
    // Without the desk's Region there would be nothing to look at, and nothing bad to find.
    problemsOf: ({ regions }) => (regions[instance.region] ? [] : [{ path: ['regions'], message: `Region ${instance.region} is missing` }]),
  });
  const policy = await openDocumentStore({
    ...common,
    kind: 'policy',
    schema: Policy,
    problemsOf: (body) => signedPolicyProblems(body, checks, newest(bundled, allowlist.current())),
  });
  const waivers = await openDocumentStore({ ...common, kind: 'waivers', schema: WaiverSet });
  const sealing = await openDocumentStore({ ...common, kind: 'sealing', schema: SealingOrder });
  return { keys, allowlist, policy, waivers, sealing };
}

function builtIn(instance: DocumentClaims['instance'], checks: readonly AnyCheck[]): Policy {
  return resolvePolicy(PolicyFile.parse({ schema: 1, id: 'built-in', instance }), checks);
}

/** Of a desk that waits to be enrolled: without rules, in whichever Region. */
function nothing({ regions }: Allowlist): Policy {
  const [region] = Object.keys(regions);
  return Policy.parse({ schema: 1, id: 'none', instance: { region }, rules: [] });
}

/** A product that was updated since may know more than the fleet's last list. */
function newest(bundled: Allowlist, signed: Allowlist | null): Allowlist {
  return signed && Date.parse(signed.createdAt) >= Date.parse(bundled.createdAt) ? signed : bundled;
}
