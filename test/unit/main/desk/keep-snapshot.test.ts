import { expect, it } from 'vitest';
import type { Result } from '../../../../contracts/call.ts';
import type { GateStatus } from '../../../../contracts/gate.ts';
import type { Snapshot } from '../../../../contracts/local-api.ts';
import type { LocalApiClient } from '../../../../contracts/local-link/connect.ts';
import { LinkFault } from '../../../../contracts/local-link/link-fault.ts';
import { keepSnapshot } from '../../../../main/desk/keep-snapshot.ts';
import { gate, snapshot, snapshotOf } from '../../agent/local-api/staged-api.ts';
import { settle, settlingAfter } from '../settling-after.ts';

type Answer = Result<Snapshot, 'busy'>;

function stage() {
  const time = settlingAfter();
  const heard: Snapshot[] = [];
  const asked: { atMs: number; answer: (answer: Answer) => void; fail: (fault: LinkFault) => void }[] = [];
  let closes = 0;
  const client = {
    snapshot: () => new Promise<Answer>((answer, fail) => asked.push({ atMs: time.nowMs(), answer, fail })),
    close: () => {
      closes += 1;
    },
  } as unknown as LocalApiClient;
  const kept = keepSnapshot({ after: time.after, monotonicMs: time.nowMs, onHeard: (one) => heard.push(one) });
  const answerNext = async (value: Snapshot = snapshot) => {
    asked.at(-1)?.answer({ ok: true, value });
    await settle();
  };
  return { time, heard, asked, client, kept, answerNext, closes: () => closes };
}

const closed: GateStatus = { ...gate, state: 'closed', wouldBe: 'closed', acting: true };

it('does not let an older snapshot open a gate that an event closed', async () => {
  const { heard, client, kept, answerNext, time, asked } = stage();
  const first = kept.follow(client);
  await answerNext();
  await first;
  await time.advance(1_000);
  kept.changed({});
  await settle();
  await time.advance(0);
  expect(asked.length).toBe(2);
  // Made before the gate closed, and answered after.
  kept.changed({ gate: closed });
  await answerNext(snapshotOf('older'));
  expect(heard.at(-1)).toMatchObject({ policy: { id: 'older' }, gate: { state: 'closed' } });
  await time.advance(300);
  await answerNext({ ...snapshot, gate: closed });
  expect(asked.length).toBe(3);
  // And what it says itself then holds again.
  await time.advance(30_000);
  await answerNext(snapshot);
  expect(heard.at(-1)?.gate.state).toBe('open');
});

it('asks at most once in 300 ms, and else every 30 s', async () => {
  const { client, kept, answerNext, time, asked } = stage();
  const first = kept.follow(client);
  await answerNext();
  await first;
  for (let ms = 0; ms < 3_000; ms += 10) {
    kept.changed({});
    await time.advance(10);
    await answerNext();
  }
  const gaps = asked.slice(1).map(({ atMs }, index) => atMs - (asked[index]?.atMs ?? 0));
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(300);
  expect(asked.length).toBeGreaterThan(8);
  const lastMs = asked.at(-1)?.atMs ?? 0;
  await time.advance(400);
  await answerNext();
  const before = asked.length;
  await time.advance(90_000);
  expect(asked.length).toBe(before + 1);
  expect((asked.at(-1)?.atMs ?? 0) - lastMs).toBeGreaterThan(29_000);
  expect(time.waiting()).toBe(0);
});

it('closes a connection that does not answer any more', async () => {
  const { client, kept, answerNext, time, asked, closes } = stage();
  const first = kept.follow(client);
  await answerNext();
  await first;
  await time.advance(30_000);
  asked.at(-1)?.fail(new LinkFault('timed-out', ''));
  await settle();
  expect(closes()).toBe(1);
});

it.each([
  ['bad-request', 'refused'],
  ['busy', 'closed'],
  ['internal', 'closed'],
] as const)('a first answer of %s is no connection: %s', async (code, link) => {
  const { client, kept, asked, time } = stage();
  const first = kept.follow(client);
  asked[0]?.answer({ ok: false, error: { code: code as 'busy', detail: '' } });
  await expect(first).rejects.toMatchObject({ code: link });
  await time.advance(120_000);
  expect(asked.length).toBe(1);
});

it('hears nothing of what it left', async () => {
  const { client, kept, heard, answerNext } = stage();
  const first = kept.follow(client);
  kept.leave();
  await answerNext();
  await expect(first).rejects.toMatchObject({ code: 'closed' });
  expect(heard).toEqual([]);
});
