import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { FAILURE_MS, MOST_FAILURES, RELEASE_MS } from '../../../../agent/gate/release-store.ts';
import { startReleaseDesk } from './release-desk.ts';

const MIN = 60_000;
let desk: Awaited<ReturnType<typeof startReleaseDesk>>;
beforeEach(async () => {
  desk = await startReleaseDesk();
});
afterEach(async () => {
  await desk.store().close();
  await desk.end();
});

const rightCode = () => desk.enter(desk.codeAt(desk.wallMs()));

describe('a release', () => {
  it('holds for an hour, and is told to the fleet until it knows', async () => {
    const wallMs = desk.wallMs();
    const until = new Date(wallMs + RELEASE_MS).toISOString();
    expect(await rightCode()).toEqual({ ok: true, until });
    expect(desk.store().current()).toEqual({ untilMs: desk.clockMs() + RELEASE_MS, until });
    const [record] = desk.store().unreported();
    expect(record).toEqual({ id: expect.any(String), by: 'code', uid: 1_000, from: new Date(wallMs).toISOString(), until });
    expect(desk.awake(2 * RELEASE_MS)).toBe(RELEASE_MS - 20_000);
    await desk.crash('computer', 0);
    expect(desk.store().unreported()).toEqual([record]);
    await desk.store().reported([record?.id ?? '']);
    await desk.reopen();
    expect(desk.store().unreported()).toEqual([]);
  });

  it('of root needs no code, and replaces the one before it', async () => {
    await rightCode();
    desk.awake(50 * MIN);
    const answer = await desk.store().releaseByRoot(0);
    expect(answer.ok && desk.store().current()?.until).toBe(new Date(desk.wallMs() + RELEASE_MS).toISOString());
    expect(
      desk
        .store()
        .unreported()
        .map(({ by, uid }) => [by, uid]),
    ).toEqual([
      ['code', 1_000],
      ['root', 0],
    ]);
  });

  it('ends at its wall time, for good, though the computer slept', async () => {
    await rightCode();
    desk.awake(10 * MIN);
    desk.sleep(50 * MIN);
    expect(desk.store().current()).toBeNull();
    desk.setWall(-30 * MIN);
    expect(desk.store().current()).toBeNull();
  });

  it('is not longer for a wall clock that is set back', async () => {
    await rightCode();
    desk.setWall(-24 * 60 * MIN);
    expect(desk.awake(3 * 60 * MIN)).toBeLessThanOrEqual(RELEASE_MS);
  });

  it('goes on to the second after a restart of the daemon, whatever became of the awake clock', async () => {
    await rightCode();
    desk.awake(20 * MIN);
    desk.loseAwakeClock();
    await desk.crash('daemon', 40_000);
    expect((desk.store().current()?.untilMs ?? 0) - desk.clockMs()).toBe(39 * MIN + 20_000);
    expect(desk.awake(2 * 60 * MIN)).toBe(39 * MIN);
  });

  it('loses a minute by a boot, since nobody knows how much of it was never saved', async () => {
    await rightCode();
    desk.awake(20 * MIN);
    await desk.crash('computer', 40_000);
    expect((desk.store().current()?.untilMs ?? 0) - desk.clockMs()).toBe(39 * MIN);
  });

  it('is saved as it goes, at least every half minute', async () => {
    await rightCode();
    const saved = async () => JSON.parse(await readFile(desk.statePath(), 'utf8')).inForce.remainingMs;
    desk.awake(40_000);
    await vi.waitFor(async () => expect(await saved()).toBe(RELEASE_MS - 40_000));
  });
});

describe('a code', () => {
  it('works once, also after a crash', async () => {
    const code = desk.codeAt(desk.wallMs());
    expect((await desk.enter(code)).ok).toBe(true);
    expect(await desk.enter(code)).toEqual({ ok: false, code: 'wrong-code', detail: '4 more tries' });
    await desk.crash('computer', 0);
    expect((await desk.enter(code)).ok).toBe(false);
  });

  it('works once when it is entered twice at the same time', async () => {
    const code = desk.codeAt(desk.wallMs());
    const answers = await Promise.all([desk.enter(code), desk.enter(code), desk.enter(code)]);
    expect(answers.filter(({ ok }) => ok)).toHaveLength(1);
    expect(desk.store().unreported()).toHaveLength(1);
  });

  it('is of no use before one that was used', async () => {
    const earlier = desk.codeAt(desk.wallMs() - 2 * MIN);
    await rightCode();
    expect((await desk.enter(earlier)).ok).toBe(false);
  });

  it('that could not be recorded opens nothing, and is used', async () => {
    await desk.store().close();
    await rm(desk.statePath());
    await mkdir(desk.statePath());
    const code = desk.codeAt(desk.wallMs());
    expect(await desk.enter(code)).toMatchObject({ ok: false, code: 'internal' });
    expect([desk.store().current(), desk.store().unreported()]).toEqual([null, []]);
    await rm(desk.statePath(), { recursive: true });
    expect(await desk.enter(code)).toMatchObject({ ok: false, code: 'wrong-code' });
  });
});

describe('wrong codes', () => {
  const fail = async (times: number) => {
    for (let n = 0; n < times; n++) expect(await desk.enter('nonsense')).toMatchObject({ ok: false, code: 'wrong-code' });
  };

  it('are taken five times in 15 min; then the right one is not looked at either', async () => {
    await fail(MOST_FAILURES);
    desk.awake(5 * MIN);
    expect(await rightCode()).toEqual({ ok: false, code: 'too-soon', detail: '10 min' });
    desk.awake(10 * MIN);
    expect((await rightCode()).ok).toBe(true);
  });

  it.each(['daemon', 'computer'] as const)('are remembered when the %s restarts', async (kind) => {
    await fail(MOST_FAILURES);
    desk.loseAwakeClock();
    await desk.crash(kind, 0);
    expect(await rightCode()).toMatchObject({ code: 'too-soon' });
    desk.sleep(24 * 60 * MIN);
    expect(await rightCode()).toMatchObject({ code: 'too-soon' });
    desk.awake(FAILURE_MS);
    expect((await rightCode()).ok).toBe(true);
  });

  it('do not keep root out', async () => {
    await fail(MOST_FAILURES);
    expect((await desk.store().releaseByRoot(0)).ok).toBe(true);
  });

  it('a file that is no good is set aside; then there is no release, and no code for 15 min', async () => {
    const code = desk.codeAt(desk.wallMs());
    await desk.enter(code);
    await desk.store().close();
    await writeFile(desk.statePath(), '{"schema":1');
    await desk.reopen();
    expect(desk.setAside).toHaveLength(1);
    expect([desk.store().current(), (await desk.enter(code)).ok]).toEqual([null, false]);
    expect(await desk.enter(code)).toMatchObject({ code: 'too-soon' });
    desk.awake(FAILURE_MS);
    expect((await desk.enter(code)).ok).toBe(false);
    expect((await rightCode()).ok).toBe(true);
  });
});

it('over random clocks, restarts and guesses: an hour by one release, once by one code, five guesses in 15 min', async () => {
  const MINUTES = (max: number) => fc.integer({ min: 0, max: max * 60 }).map((seconds) => seconds * 1_000);
  const op = fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant('awake' as const), ms: MINUTES(30) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('sleep' as const), ms: MINUTES(20) }) },
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constant('wall' as const), ms: fc.integer({ min: -180, max: 3 }).map((min) => min * MIN) }),
    },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('code' as const), skewMs: fc.integer({ min: -600_000, max: 600_000 }) }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('replay' as const), pick: fc.nat() }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('guess' as const), times: fc.integer({ min: 1, max: 4 }) }) },
    { weight: 1, arbitrary: fc.constant({ do: 'root' as const }) },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('crash' as const),
        kind: fc.constantFrom('daemon', 'computer'),
        lagMs: fc.constantFrom(0, 20_000, 59_000),
      }),
    },
    { weight: 1, arbitrary: fc.constantFrom({ do: 'save' as const }, { do: 'lose' as const }) },
  );
  let [released, refusedReplays, tooSoon] = [0, 0, 0];
  const started: (() => Promise<void>)[] = [];
  onTestFinished(async () => void (await Promise.all(started.map((end) => end()))));
  await fc.assert(
    fc.asyncProperty(fc.array(op, { minLength: 5, maxLength: 40 }), async (ops) => {
      const one = await startReleaseDesk();
      started.push(one.end);
      const used: string[] = [];
      const guessedMs: number[] = [];
      let openMs = 0;
      const opened = (ms: number) => {
        openMs += ms;
        expect(openMs).toBeLessThanOrEqual(RELEASE_MS);
      };
      const enter = async (code: string) => {
        const answer = await one.enter(code);
        if (answer.ok) {
          expect(used).not.toContain(code);
          used.push(code);
          [openMs, released] = [0, released + 1];
        } else if (answer.code === 'wrong-code') {
          guessedMs.push(one.trueAwakeMs());
          const recent = guessedMs.filter((ms) => one.trueAwakeMs() - ms < FAILURE_MS);
          expect(recent.length).toBeLessThanOrEqual(MOST_FAILURES);
        } else tooSoon += 1;
        return answer;
      };
      for (const step of ops) {
        if (step.do === 'awake') opened(one.awake(step.ms));
        if (step.do === 'sleep') one.sleep(step.ms);
        if (step.do === 'wall') one.setWall(step.ms);
        if (step.do === 'code') await enter(one.codeAt(Math.max(0, one.wallMs() + step.skewMs)));
        if (step.do === 'replay' && used.length > 0 && !(await enter(used[step.pick % used.length] ?? '')).ok) refusedReplays += 1;
        if (step.do === 'guess') for (let n = 0; n < step.times; n++) await enter('nonsense');
        if (step.do === 'root' && (await one.store().releaseByRoot(0)).ok) openMs = 0;
        if (step.do === 'crash') opened(await one.crash(step.kind as 'daemon' | 'computer', step.lagMs));
        if (step.do === 'save') one.saveAwakeClock();
        if (step.do === 'lose') one.loseAwakeClock();
      }
      expect([one.troubles, one.setAside]).toEqual([[], []]);
      await one.store().close();
    }),
    { numRuns: 60 },
  );
  // The histories get to where the bounds are.
  expect(Math.min(released, refusedReplays, tooSoon)).toBeGreaterThan(0);
}, 30_000);
