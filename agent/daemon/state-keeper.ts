import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { VerdictState } from '../../contracts/state.ts';
import { monotonicMs } from '../store/awake-clock.ts';
import { openStateFile, type SetAside } from '../store/state-file.ts';

export interface StateKeeper {
  /** As it was stored at start. */
  readonly stored: VerdictState;
  /** Saves before long: changes come in bursts, and no verdict depends on the last second of them. */
  saveSoon(): void;
  /** Resolves when the present state, or a later one, is on the disk. Rejects with a `StoreError`. */
  saveNow(): Promise<void>;
  stop(): Promise<void>;
}

export interface StateKeeperSettings {
  stateDir: string;
  bootId: string;
  present: () => VerdictState;
  onSetAside: (report: SetAside) => void;
  /** Told once for each row of failures. */
  onFailed: (error: unknown) => void;
}

const SAVE_EVERY_MS = 2_000;

/** What the daemon must not forget. Nothing is written while nothing changes. */
export async function openStateKeeper({ stateDir, bootId, present, onSetAside, onFailed }: StateKeeperSettings): Promise<StateKeeper> {
  const file = await openStateFile({
    path: path.join(stateDir, 'verdict.json'),
    schema: VerdictState,
    fallback: freshState(bootId),
    onSetAside,
  });
  const stored = await file.read();
  let timer: NodeJS.Timeout | undefined;
  let isFailing = false;
  let stopped = false;
  const saveNow = () => file.write(present());

  async function save(): Promise<void> {
    try {
      await saveNow();
      isFailing = false;
    } catch (error) {
      if (!isFailing) onFailed(error);
      isFailing = true;
    }
  }

  return {
    stored,
    saveSoon() {
      if (stopped) return;
      timer ??= setTimeout(() => {
        timer = undefined;
        void save();
      }, SAVE_EVERY_MS);
    },
    saveNow,
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await save();
    },
  };
}

/** A state directory of its own: its reports count from nought in an epoch of their own. */
function freshState(bootId: string): VerdictState {
  return {
    schema: 1,
    epoch: randomUUID(),
    awake: { bootId, monotonicMs: monotonicMs(), awakeMs: 0 },
    histories: {},
    findings: [],
    verdict: null,
    gate: null,
    turnAnswered: [],
  };
}
