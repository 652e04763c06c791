import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { codeAt, stepAt } from '../../../../agent/gate/release-code.ts';
import { openReleaseStore, type ReleaseAnswer, type ReleaseStore } from '../../../../agent/gate/release-store.ts';
import { openAwakeClock } from '../../../../agent/store/awake-clock.ts';
import type { SetAside } from '../../../../agent/store/state-file.ts';
import type { AwakeBase } from '../../../../contracts/state.ts';

const secret = Buffer.from('a secret of this desk, 32 bytes.');
const TICK_MS = 20_000;

/** A desk with real files and clocks that a test turns: the boot's monotonic one, and the wall's. */
export async function startReleaseDesk() {
  const root = await mkdtemp(path.join(tmpdir(), 'deskwarden-release-'));
  let [boot, starts, monotonicMs, wallMs] = [0, 0, 5_000, Date.parse('2026-01-01T08:00:00.000Z')];
  let [trueAwakeMs, savedBase, stateDir]: [number, AwakeBase | null, string] = [0, null, path.join(root, '0')];
  const setAside: SetAside[] = [];
  const troubles: unknown[] = [];

  async function open() {
    const bootId = `00000000-0000-4000-8000-${String(boot).padStart(12, '0')}`;
    const clock = openAwakeClock({ saved: savedBase, bootId, monotonicMs: () => monotonicMs });
    const onSetAside = (report: SetAside) => setAside.push(report);
    const onTrouble = (error: unknown) => troubles.push(error);
    return { clock, store: await openReleaseStore({ stateDir, clock, wallMs: () => wallMs, onSetAside, onTrouble }) };
  }
  let running = await open();

  const desk = {
    setAside,
    troubles,
    store: (): ReleaseStore => running.store,
    statePath: () => path.join(stateDir, 'release.json'),
    wallMs: () => wallMs,
    /** Of all boots, as a stopwatch that nobody can reach would have it. */
    trueAwakeMs: () => trueAwakeMs,
    /** Awake time of the clock that the store goes by. */
    clockMs: () => running.clock.awakeMs(),
    codeAt: (atMs: number) => codeAt(secret, stepAt(atMs)),
    enter: (code: string): Promise<ReleaseAnswer> => running.store.releaseByCode(secret, code, 1_000),
    /** Time goes by and the gate is stepped; returns for how long a release was in force. */
    awake(ms: number): number {
      let openMs = 0;
      for (let leftMs = ms; leftMs > 0; leftMs -= TICK_MS) {
        const tickMs = Math.min(TICK_MS, leftMs);
        [monotonicMs, wallMs, trueAwakeMs] = [monotonicMs + tickMs, wallMs + tickMs, trueAwakeMs + tickMs];
        if (running.store.current() !== null) openMs += tickMs;
      }
      return openMs;
    },
    sleep(ms: number): void {
      wallMs += ms;
    },
    setWall(deltaMs: number): void {
      wallMs = Math.max(0, wallMs + deltaMs);
    },
    saveAwakeClock(): void {
      savedBase = running.clock.base();
    },
    loseAwakeClock(): void {
      savedBase = null;
    },
    /** The power fails `lagMs` after the last save; what was in force meanwhile is returned. */
    async crash(kind: 'daemon' | 'computer', lagMs: number): Promise<number> {
      await running.store.close();
      const from = desk.statePath();
      stateDir = path.join(root, String(++starts));
      await mkdir(stateDir);
      await copyFile(from, desk.statePath());
      const openMs = desk.awake(lagMs);
      if (kind === 'computer') [boot, monotonicMs] = [boot + 1, 3_000];
      running = await open();
      return openMs;
    },
    async reopen(): Promise<void> {
      running = await open();
    },
    end: () => rm(root, { recursive: true, force: true }),
  };
  return desk;
}
