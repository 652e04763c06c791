import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Report } from '../../../contracts/report.ts';
import type { Caller } from '../../../fleet/intake/intake.ts';
import { addTenant, openTestDatabase, type TestDatabase } from '../database.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { addDevices, aFinding, aReport, at, failing, START } from './desk-reports.ts';
import { openIntake, type TestIntake } from './open-intake.ts';
import { deskOf, historyOf } from './stored-desk.ts';

const now = () => new Date(START + 60 * 60_000);
const RUNS = 25;
const rules = ['dns', 'hosts', 'turn'];

/** One report of a stream: what is bad, whether it is whole, whether the desk was started anew, and whether numbers were left out. */
const step = fc.record({
  bad: fc.subarray(rules),
  evidence: fc.integer({ min: 0, max: 2 }),
  full: fc.boolean(),
  newEpoch: fc.boolean(),
  gap: fc.integer({ min: 0, max: 2 }),
  standing: fc.constantFrom('clear', 'caution', 'blocked', 'undetermined'),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

describeWithDatabase('streams of reports', () => {
  let database: TestDatabase;
  let replicas: [TestIntake, TestIntake];
  let scope: { tenant: string; instance: string };

  beforeAll(async () => {
    database = await openTestDatabase();
    scope = await addTenant(database.db);
    const one = await openIntake(database.appUrl, now);
    replicas = [one, await openIntake(database.appUrl, now, { keyDir: one.keyDir, limits: { maxBatch: 3 } })];
  });
  afterAll(async () => {
    for (const replica of [...(replicas ?? [])].reverse()) await replica.close();
    await database?.close();
  });

  it('come to the same however their reports are repeated, sent to whichever replica, and mixed with those of others', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(step, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 3 }),
        fc.infiniteStream(fc.nat()),
        async (streams, chances) => {
          const desks = await addDevices(database.db, scope, 2 * streams.length);
          const [plain, troubled] = [desks.slice(0, streams.length), desks.slice(streams.length)];
          await Promise.all(streams.map((steps, index) => sendInOrder(plain[index] ?? '', steps)));
          await Promise.all(streams.map((steps, index) => sendTroubled(troubled[index] ?? '', steps, chances)));
          for (const index of streams.keys()) {
            expect(await contentOf(troubled[index] ?? '')).toEqual(await contentOf(plain[index] ?? ''));
          }
        },
      ),
      { numRuns: RUNS },
    );
  }, 60_000);

  async function sendInOrder(device: string, steps: readonly Step[]): Promise<void> {
    for (const report of reportsOf(device, steps)) await replicas[0].intake.report({ ...scope, device }, report);
  }

  /** As over a bad network: each may be sent several times at once, and earlier ones again at any time. */
  async function sendTroubled(device: string, steps: readonly Step[], chances: fc.Stream<number>): Promise<void> {
    const sent: Report[] = [];
    const draw = () => chances.next().value ?? 0;
    const send = (report: Report) => replicas[draw() % 2 === 0 ? 0 : 1].intake.report({ ...scope, device }, report);
    for (const report of reportsOf(device, steps)) {
      const copies = Array.from({ length: 1 + (draw() % 3) }, () => send(report));
      const earlier = sent.slice(-(draw() % 4)).map((old) => send(old));
      sent.push(report);
      for (const answer of await Promise.all(copies)) expect(answer).toEqual({ schema: 1, accepted: true, sealedFault: null });
      await Promise.allSettled(earlier);
    }
  }

  async function contentOf(device: string) {
    const caller: Caller = { ...scope, device };
    const { digests, ...content } = await deskOf(database.db, replicas[0].keyring, caller);
    return { ...content, digests, history: await historyOf(database.db, caller) };
  }
});

/** Epochs are the same for both desks of a stream, so that what is stored can be compared. */
function reportsOf(device: string, steps: readonly Step[]): Report[] {
  let [epoch, seq] = [0, -1];
  return steps.map(({ bad, evidence, full, newEpoch, gap, standing }, index) => {
    if (newEpoch) [epoch, seq] = [epoch + 1, -1];
    seq += 1 + gap;
    const findings = rules
      .filter((rule) => full || bad.includes(rule))
      .map((rule) => (bad.includes(rule) ? failing(rule, `reason-${evidence}`) : aFinding(rule, { evidence: { seen: evidence } })));
    return aReport(device, {
      ...{ id: randomUUID(), seq, standing, findings, scope: full ? 'full' : 'changes', madeAt: at(index) },
      epoch: `00000000-0000-4000-8000-00000000000${epoch}`,
      causes: bad,
    });
  });
}
