import { appendFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { ReportKind } from '../../../../agent/report/outbox-line.ts';
import type { Report } from '../../../../contracts/report.ts';
import { EPOCH, freshDir, type OpenBox, openBox, put, takeAll } from './open-box.ts';

type Step =
  | { do: 'append'; kinds: ReportKind[]; padding: number }
  | { do: 'send' }
  | { do: 'restart'; boot: boolean; torn: string | null }
  | { do: 'new epoch' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('append' as const),
      kinds: fc.array(fc.constantFrom<ReportKind>('change', 'unchanged'), { minLength: 1, maxLength: 4 }),
      padding: fc.constantFrom(0, 500, 3_000),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('send' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('restart' as const),
      boot: fc.boolean(),
      torn: fc.option(fc.string({ minLength: 1, maxLength: 300 }).filter((text) => !text.includes('\n'))),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('new epoch' as const) }) },
);

/** Of forty steps. */
const MARKS = 40 * 100;

/** What a fleet sees, and whether it may. */
class Watched {
  private readonly idOf = new Map<string, string>();
  private lastSeq = new Map<string, number>();

  see({ id, epoch, seq }: Report): void {
    const place = `${epoch} ${seq}`;
    expect(this.idOf.get(place) ?? id, `${place} belongs to one report`).toBe(id);
    this.idOf.set(place, id);
    // At least once: the last one may come again.
    expect(seq).toBeGreaterThanOrEqual(this.lastSeq.get(epoch) ?? 0);
    this.lastSeq.set(epoch, seq);
  }
}

async function play(steps: readonly Step[], maxBytes: number): Promise<{ dropped: number }> {
  const dir = await freshDir();
  let epochs = 0;
  let asked = EPOCH;
  const anotherEpoch = () => `00000000-0000-4000-9000-${String(++epochs).padStart(12, '0')}`;
  let opened: OpenBox = await openBox(dir, { maxBytes });
  const waiting: { id: string; kind: ReportKind }[] = [];
  const sent: string[] = [];
  const watched = new Watched();
  let dropped = 0;

  const send = (report: Report) => {
    watched.see(report);
    sent.push(report.id);
  };
  for (const one of [...steps, { do: 'restart', boot: false, torn: null } as const]) {
    if (one.do === 'append') {
      const made = await Promise.all(one.kinds.map((kind) => put(opened, { kind, padding: one.padding })));
      waiting.push(...made.map(({ id }, i) => ({ id, kind: one.kinds[i] ?? 'change' })));
    } else if (one.do === 'send') {
      const next = await opened.box.peek();
      if (next) send(next.report);
      if (next) await opened.box.acknowledge(next.report.id);
    } else if (one.do === 'new epoch') {
      await opened.box.newEpoch(anotherEpoch());
    } else {
      dropped += opened.box.stats().dropped;
      await opened.box.close();
      if (one.torn !== null) {
        const newest = (await readdir(dir).catch(() => [])).sort().at(-1);
        if (newest) await appendFile(path.join(dir, newest), one.torn);
      }
      if (one.boot) asked = anotherEpoch();
      opened = await openBox(dir, { maxBytes, epoch: asked });
    }
    expect(opened.box.stats().bytes).toBeLessThanOrEqual(maxBytes + (one.do === 'append' ? 0 : MARKS));
    expect(opened.faults.filter(({ code }) => code !== 'dropped')).toEqual([]);
  }
  for (const report of await takeAll(opened)) send(report);
  await opened.box.close();

  const ids = waiting.map(({ id }) => id);
  // In the order in which they were appended, each once (every acknowledgement here is on the disk), none made up.
  expect(sent).toEqual(ids.filter((id) => sent.includes(id)));
  expect(new Set(sent).size).toBe(sent.length);
  expect(ids.length - sent.length).toBe(dropped);
  return { dropped };
}

it('with room for all, delivers every report once, in order, under one place each, whatever happens between', {
  timeout: 60_000,
}, async () => {
  const property = fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
    expect(await play(steps, 50_000_000)).toEqual({ dropped: 0 });
  });
  await fc.assert(property, { numRuns: 60, interruptAfterTimeLimit: 6_000 });
});

it('with little room, counts what it gives up and keeps every other promise', { timeout: 60_000 }, async () => {
  let dropped = 0;
  const property = fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 60 }), async (steps) => {
    dropped += (await play(steps, 40_000)).dropped;
  });
  await fc.assert(property, { numRuns: 60, interruptAfterTimeLimit: 6_000 });
  expect(dropped).toBeGreaterThan(0);
});
