import { describe, it } from 'vitest';
import type { Policy } from '../../contracts/policy.ts';
import type { DocumentKind, SignedDocument } from '../../contracts/signed-document.ts';
import { cannot, endedAs, faults, isFull, newDice } from './fault.ts';
import { atOnce, eventually, type FaultDesk, withFaultDesk } from './fault-desk.ts';

const TEST_MS = 120_000;
/** Of a desk that is not there: what is signed for it is offered to nobody by itself. */
const NOBODY = '00000000-0000-4000-8000-000000000000';
const waiversOf = (revision: number) => ({ schema: 1, revision, waivers: [] });

type Envelope = Omit<SignedDocument, 'schema'> & { schema: number };

/** What the fleet signs, before anybody tampers with it. */
async function signed(desk: FaultDesk, kind: DocumentKind, body: unknown, revision: number, instance?: object): Promise<Envelope> {
  return (await desk.fleet({ do: 'publish', kind, body, revision, device: NOBODY, ...(instance && { instance }) })) as Envelope;
}

const refusedBy = async (desk: FaultDesk) =>
  Object.fromEntries(((await desk.fleetState()).lastHeartbeat?.refused ?? []).map(({ kind, code }) => [kind, code]));

/** Offers them, and waits until the desk has told what it would not take. */
async function offer(desk: FaultDesk, revision: number, documents: Partial<Record<DocumentKind, Envelope>>, codes: Record<string, string>) {
  for (const [kind, document] of Object.entries(documents)) await desk.fleet({ do: 'offer', kind, revision, document });
  await desk.hurry();
  const before = (await desk.fleetState()).requests['GET /device/v1/documents/:kind'] ?? 0;
  await eventually('fetched', desk.fleetState, ({ requests }) => (requests['GET /device/v1/documents/:kind'] ?? 0) > before);
  await desk.hurry();
  await eventually(
    `refused ${JSON.stringify(codes)}`,
    () => refusedBy(desk),
    (told) => Object.entries(codes).every(([kind, code]) => told[kind] === code),
  );
}

interface Batch {
  what: string;
  codes: Record<string, string>;
  sign(desk: FaultDesk, body: Policy, revision: number): Promise<Partial<Record<DocumentKind, Envelope>>>;
}

const batches: readonly Batch[] = [
  {
    what: 'bad signature, other instance',
    codes: { policy: 'bad-signature', waivers: 'wrong-instance' },
    async sign(desk, body, revision) {
      const good = await signed(desk, 'policy', { ...body, revision }, revision);
      const waivers = await signed(desk, 'waivers', waiversOf(revision), revision, { alias: 'acme-2', region: 'us-west-2' });
      return { policy: { ...good, body: JSON.stringify({ ...body, revision, rules: [] }) }, waivers };
    },
  },
  {
    what: 'older revision, schema 2',
    codes: { policy: 'older-revision', waivers: 'unsupported-schema' },
    async sign(desk, body, revision) {
      const waivers = await signed(desk, 'waivers', { ...waiversOf(revision), schema: 2 }, revision);
      return { policy: await signed(desk, 'policy', { ...body, revision: 1 }, 1), waivers };
    },
  },
  {
    // What the envelope's shape hides is not looked at.
    what: 'schema 2 of the envelope',
    codes: { policy: 'bad-answer' },
    async sign(desk, body, revision) {
      return { policy: { ...(await signed(desk, 'policy', { ...body, revision }, revision)), schema: 2 } };
    },
  },
];
const tried = isFull ? batches : [newDice().pick(batches)];

describe.skipIf(cannot)(faults('documents'), () => {
  it('documents that the desk must not take, and a check that it lacks', { timeout: TEST_MS }, async (context) => {
    const { expect } = context;
    await withFaultDesk(async (desk) => {
      const body = await desk.publish(atOnce);
      const daemon = await desk.startClear();
      for (const [n, { codes, sign }] of tried.entries()) await offer(desk, 10 + n, await sign(desk, body, 10 + n), codes);

      const seen = await desk.snapshot();
      expect(seen.policy).toMatchObject({ signed: true, revision: body.revision });
      expect([seen.verdict?.standing, seen.gate.acting]).toEqual(['clear', true]);

      const blocks = { fail: 'block', degraded: 'block', unknown: 'block' };
      const lacking = { ...body.rules[0], id: 'device.of-next-year', check: 'device.of-next-year', on: blocks };
      await desk.fleet({ do: 'publish', kind: 'policy', revision: 13, body: { ...body, revision: 13, rules: [...body.rules, lacking] } });
      await desk.hurry();
      const { findings, gate } = await desk.until(
        'looked at',
        ({ policy, verdict, findings: found }) => policy.revision === 13 && verdict?.standing === 'clear' && found.length === 2,
      );
      expect(findings.find(({ rule }) => rule === 'device.of-next-year')?.outcome).toMatchObject({ kind: 'unknown', cause: 'unsupported' });
      expect(gate.state).toBe('open');
      await desk.breakCanary();
      await desk.shut();
      await daemon.stop();
      endedAs(
        context,
        `${tried.map(({ what }) => what).join(', ')}; a rule that blocks by an unknown check`,
        'each refused by its code in the heartbeat, the last good policy goes on; unknown(unsupported), clear and open',
      );
    });
  });
});
