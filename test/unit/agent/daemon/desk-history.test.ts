import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openHistory } from '../../../../agent/daemon/desk-history.ts';
import { DeskHistory } from '../../../../contracts/desk-history.ts';
import { CheckId, type Finding, RuleId } from '../../../../contracts/finding.ts';
import type { Cause, Verdict } from '../../../../contracts/verdict.ts';

const START_MS = Date.parse('2026-01-02T08:00:00.000Z');
const HOUR_MS = 60 * 60_000;

let stateDir: string;
let wallMs = START_MS;
const faults: unknown[] = [];
const aside: string[] = [];
beforeEach(() => {
  stateDir = mkdtempSync(path.join(tmpdir(), 'deskwarden-history-'));
  wallMs = START_MS;
  faults.length = 0;
  aside.length = 0;
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(stateDir, { recursive: true });
});

const open = () =>
  openHistory({ stateDir, wallMs: () => wallMs, onSetAside: ({ reason }) => aside.push(reason), onFailed: (error) => faults.push(error) });
const filePath = () => path.join(stateDir, 'history.json');
const iso = () => new Date(wallMs).toISOString();

function verdict(standing: Verdict['standing'], ...causes: [check: string, enforcement: Cause['enforcement']][]) {
  const told = causes.map(([check, enforcement]) => ({
    rule: RuleId.parse(check),
    check: CheckId.parse(check),
    enforcement,
    explains: [],
    blocksAt: null,
    waiver: null,
  }));
  return { standing, causes: told, decidedAt: iso() };
}

const quality = (evidence: unknown, check = 'network.media-quality') => ({ check, evidence, observedAt: iso() }) as Finding;
const figures = (rttMs: number) => ({
  host: 'h',
  address: 'a',
  rttMs: [rttMs],
  figures: { rttMs, jitterMs: 2, lossPercent: 0.5, mos: 4.3 },
});

it('tells when the standing became another, and what was in its way', async () => {
  const history = await open();
  history.onVerdict(verdict('clear', ['network.dns', 'note']));
  wallMs += 60_000;
  history.onVerdict(verdict('blocked', ['tls.handshake', 'block'], ['network.dns', 'warn'], ['tls.handshake', 'block']));
  wallMs += 60_000;
  history.onVerdict(verdict('blocked', ['network.dns', 'block'], ['tls.handshake', 'block']));
  wallMs += 60_000;
  history.onVerdict(verdict('blocked', ['tls.handshake', 'block']));
  expect(history.read().standings).toEqual([
    { at: '2026-01-02T08:00:00.000Z', standing: 'clear', causes: [] },
    { at: '2026-01-02T08:01:00.000Z', standing: 'blocked', causes: ['network.dns', 'tls.handshake'] },
    { at: '2026-01-02T08:03:00.000Z', standing: 'blocked', causes: ['tls.handshake'] },
  ]);
});

it('has each measurement of call quality, and of a train of which nothing came back its loss alone', async () => {
  const history = await open();
  history.onFinding(quality(figures(40)));
  wallMs += HOUR_MS;
  history.onFinding(quality({ ...figures(40), rttMs: [null, null], figures: null }));
  history.onFinding(quality({ ...figures(40), rttMs: [], figures: null }));
  history.onFinding(quality(null));
  history.onFinding(quality(figures(40), 'network.turn-udp'));
  expect(history.read().quality).toEqual([
    { at: '2026-01-02T08:00:00.000Z', rttMs: 40, jitterMs: 2, lossPercent: 0.5, mos: 4.3 },
    { at: '2026-01-02T09:00:00.000Z', rttMs: null, jitterMs: null, lossPercent: 100, mos: null },
  ]);
});

it('is of 24 hours, and begins with the standing that they began with', async () => {
  const history = await open();
  history.onVerdict(verdict('blocked', ['network.dns', 'block']));
  wallMs += HOUR_MS;
  history.onVerdict(verdict('caution', ['network.dns', 'warn']));
  history.onFinding(quality(figures(40)));
  wallMs += 20 * HOUR_MS;
  history.onVerdict(verdict('clear'));
  wallMs = START_MS + 25 * HOUR_MS;
  expect(history.read().standings.map(({ standing }) => standing)).toEqual(['blocked', 'caution', 'clear']);
  expect(history.read().quality).toHaveLength(1);
  wallMs += 1;
  expect(history.read().standings.map(({ standing }) => standing)).toEqual(['caution', 'clear']);
  expect(history.read().quality).toEqual([]);
});

it('is bounded, and loses the oldest', async () => {
  const history = await open();
  for (let i = 0; i < 600; i++) {
    wallMs += 1_000;
    history.onVerdict(verdict(i % 2 === 0 ? 'clear' : 'caution'));
    history.onFinding(quality(figures(i)));
  }
  const { standings, quality: samples } = history.read();
  expect([standings.length, standings.at(-1)?.at, samples.length, samples[0]?.rttMs]).toEqual([500, iso(), 300, 300]);
  expect(DeskHistory.safeParse(history.read()).success).toBe(true);
});

it('a clock that jumps forward and is set right again has lost nothing', async () => {
  const history = await open();
  history.onVerdict(verdict('clear'));
  history.onFinding(quality(figures(40)));
  wallMs += 400 * 24 * HOUR_MS;
  history.onVerdict(verdict('caution', ['tls.clock-skew', 'warn']));
  expect(history.read().quality).toEqual([]);
  wallMs = START_MS + HOUR_MS;
  history.onVerdict(verdict('clear'));
  expect(history.read().standings.map(({ at, standing }) => [at, standing])).toEqual([
    ['2026-01-02T08:00:00.000Z', 'clear'],
    ['2026-01-02T09:00:00.000Z', 'clear'],
  ]);
  expect(history.read().quality).toHaveLength(1);
});

it('a clock that is set back leaves the oldest first', async () => {
  const history = await open();
  history.onVerdict(verdict('clear'));
  wallMs -= HOUR_MS;
  history.onVerdict(verdict('caution', ['network.dns', 'warn']));
  expect(history.read().standings.map(({ standing }) => standing)).toEqual(['caution']);
  wallMs += 2 * HOUR_MS;
  expect(history.read().standings.map(({ standing }) => standing)).toEqual(['caution', 'clear']);
});

it('is written at most once a minute, and at the stop; a restart goes on from it', async () => {
  const history = await open();
  history.onVerdict(verdict('clear'));
  await vi.advanceTimersByTimeAsync(59_999);
  expect(() => readFileSync(filePath())).toThrow('ENOENT');
  await vi.advanceTimersByTimeAsync(1);
  await vi.waitFor(() => expect(JSON.parse(readFileSync(filePath(), 'utf8')).standings).toHaveLength(1));
  wallMs += 1_000;
  history.onVerdict(verdict('caution', ['network.dns', 'warn']));
  expect(JSON.parse(readFileSync(filePath(), 'utf8')).standings).toHaveLength(1);
  await history.stop();
  const next = await open();
  next.onVerdict(verdict('caution', ['network.dns', 'warn']));
  expect(next.read()).toEqual(history.read());
  expect(next.read().standings).toHaveLength(2);
});

it('says once that it cannot be written, and goes on', async () => {
  const history = await open();
  await mkdir(filePath());
  await mkdir(path.join(filePath(), 'in-the-way'));
  for (const standing of ['clear', 'caution'] as const) {
    history.onVerdict(verdict(standing));
    await vi.advanceTimersByTimeAsync(60_000);
    await vi.waitFor(() => expect(faults).toHaveLength(1));
  }
  await rm(filePath(), { recursive: true });
  await history.stop();
  expect(JSON.parse(readFileSync(filePath(), 'utf8')).standings).toHaveLength(2);
  expect(faults).toHaveLength(1);
});

it('a file that is not ours is set aside', async () => {
  writeFileSync(filePath(), '{"schema":2}');
  const history = await open();
  expect([history.read(), aside]).toEqual([{ quality: [], standings: [], watched: [] }, ['wrong-shape']]);
});

describe('it knows when nobody watched', () => {
  const MINUTE_MS = 60_000;
  /** As the desk judges: every five seconds. */
  const watchFor = (history: Awaited<ReturnType<typeof open>>, minutes: number) => {
    for (const endMs = wallMs + minutes * MINUTE_MS; wallMs < endMs; wallMs += 5_000) history.onVerdict(verdict('clear'));
    history.onVerdict(verdict('clear'));
  };
  const minutesOf = (history: Awaited<ReturnType<typeof open>>) =>
    history.read().watched.map(({ from, to }) => [from, to].map((at) => Math.round((Date.parse(at) - START_MS) / MINUTE_MS)));

  it('the computer slept', async () => {
    const history = await open();
    watchFor(history, 10);
    wallMs += 50 * MINUTE_MS;
    watchFor(history, 5);
    expect(minutesOf(history)).toEqual([
      [0, 10],
      [60, 65],
    ]);
    // The same standing on both sides is no change.
    expect(history.read().standings).toHaveLength(1);
  });

  it('the daemon was stopped, and started again later', async () => {
    const history = await open();
    watchFor(history, 10);
    await history.stop();
    wallMs += 20 * MINUTE_MS;
    const next = await open();
    expect(minutesOf(next)).toEqual([[0, 10]]);
    watchFor(next, 1);
    expect(minutesOf(next)).toEqual([
      [0, 10],
      [30, 31],
    ]);
  });

  it('it was killed: at most its last minute is lost, and a restart at once leaves no gap', async () => {
    const history = await open();
    for (let i = 0; i < 30 * 12; i++) {
      history.onVerdict(verdict('clear'));
      wallMs += 5_000;
      await vi.advanceTimersByTimeAsync(5_000);
    }
    // Never stopped: what is on the disk is all there is.
    const killedAtMs = wallMs;
    await vi.waitFor(async () => {
      const left = (await open()).read().watched;
      expect(killedAtMs - Date.parse(left[0]?.to ?? '')).toBeLessThanOrEqual(MINUTE_MS + 5_000);
    });
    wallMs += 10_000;
    const next = await open();
    watchFor(next, 1);
    expect(minutesOf(next)).toEqual([[0, 31]]);
  });

  it('a clock that is set back takes back what it said of the time ahead', async () => {
    const history = await open();
    watchFor(history, 60);
    wallMs -= 30 * MINUTE_MS;
    watchFor(history, 1);
    await history.stop();
    wallMs = START_MS + 120 * MINUTE_MS;
    expect(minutesOf(await open())).toEqual([[0, 31]]);
  });

  it('a clock that jumps forward and is set right again has lost nothing', async () => {
    const history = await open();
    watchFor(history, 10);
    wallMs += 400 * 24 * HOUR_MS;
    watchFor(history, 1);
    wallMs = START_MS + 11 * MINUTE_MS;
    watchFor(history, 1);
    expect(minutesOf(history)).toEqual([
      [0, 10],
      [11, 12],
    ]);
  });

  it('a file of before this was kept is taken, and says nothing of it', async () => {
    writeFileSync(filePath(), JSON.stringify({ schema: 1, quality: [], standings: [{ at: iso(), standing: 'clear', causes: [] }] }));
    const history = await open();
    expect([history.read().standings.length, history.read().watched, aside]).toEqual([1, [], []]);
  });

  it('whatever the clock does, what it tells is bounded, of the day, apart and in order', async () => {
    const jumps = fc.array(fc.integer({ min: -6 * HOUR_MS, max: 6 * HOUR_MS }), { maxLength: 400 });
    await fc.assert(
      fc.asyncProperty(jumps, async (steps) => {
        await rm(filePath(), { force: true });
        wallMs = START_MS;
        const history = await open();
        for (const ms of steps) {
          wallMs += ms;
          history.onVerdict(verdict('clear'));
        }
        const told = DeskHistory.parse(history.read()).watched.map(({ from, to }) => [Date.parse(from), Date.parse(to)] as const);
        for (const [index, [fromMs, toMs]] of told.entries()) {
          expect(fromMs).toBeLessThanOrEqual(toMs);
          expect(toMs).toBeLessThanOrEqual(wallMs);
          expect(fromMs).toBeGreaterThanOrEqual(wallMs - 24 * HOUR_MS);
          expect(fromMs).toBeGreaterThan(told[index - 1]?.[1] ?? Number.NEGATIVE_INFINITY);
        }
        if (steps.length > 0) expect(told.at(-1)?.[1]).toBe(wallMs);
        await history.stop();
      }),
      { numRuns: 60 },
    );
  });
});
