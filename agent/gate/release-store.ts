import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { z } from 'zod';
import { ReleaseRecord } from '../../contracts/report.ts';
import { AwakeBase } from '../../contracts/state.ts';
import type { AwakeClock } from '../store/awake-clock.ts';
import { openStateFile, type SetAside } from '../store/state-file.ts';
import { checkCode } from './release-code.ts';

export const RELEASE_MS = 60 * 60_000;

/**
 * Failed codes of all users in any 15 min of awake time: 480 a day, each one of 10^8 against 21 good codes. Who guesses all
 * day and night is right once in 10,000 days. The price: he keeps others' codes from being taken; root needs none.
 */
export const MOST_FAILURES = 5;
export const FAILURE_MS = 15 * 60_000;

/** As one report takes. */
const MOST_REPORTED = 50;
/** Months of releases without a fleet; the oldest go first. */
const MOST_KEPT = 200;

/** What a reboot may give back of a release, so it is taken beforehand: a boot's last moments are on no disk. */
const LEASE_MS = 60_000;
const SAVE_EVERY_MS = LEASE_MS / 2;

const ReleaseFile = z.strictObject({
  schema: z.literal(1),
  /** Saved at this moment; the ages below are as of then. */
  at: AwakeBase,
  inForce: z.strictObject({ record: ReleaseRecord, remainingMs: z.number().max(RELEASE_MS) }).nullable(),
  lastUsedStep: z.int().nonnegative().nullable(),
  failureAgesMs: z.array(z.number().nonnegative()).max(MOST_FAILURES),
  unreported: z.array(ReleaseRecord).max(MOST_KEPT),
});

export type ReleaseAnswer = { ok: true; until: string } | { ok: false; code: 'wrong-code' | 'too-soon' | 'internal'; detail: string };

export interface ReleaseStore {
  /** The release in force: it ends after an hour of awake time or at its wall time, whichever is first. */
  current(): { untilMs: number; until: string } | null;
  /** On the disk, as a failure is, before it is answered. */
  releaseByCode(secret: Uint8Array, code: string, uid: number): Promise<ReleaseAnswer>;
  releaseByRoot(uid: number): Promise<ReleaseAnswer>;
  /** Releases that the fleet has not been told of, the oldest first, as many as one report takes. */
  unreported(): readonly ReleaseRecord[];
  /** Rejects with a `StoreError`; they then stay unreported. */
  reported(ids: readonly string[]): Promise<void>;
  /** Settles once all that it knows is on the disk, or cannot be put there. */
  close(): Promise<void>;
}

export interface ReleaseStoreSettings {
  stateDir: string;
  clock: AwakeClock;
  wallMs: () => number;
  onSetAside?: (report: SetAside) => void;
  /** A background save failed: a reboot could then give back more of the release in force than it should. */
  onTrouble: (error: unknown) => void;
}

export async function openReleaseStore(settings: ReleaseStoreSettings): Promise<ReleaseStore> {
  const { stateDir, clock, wallMs, onSetAside, onTrouble } = settings;
  let isLost = false;
  const file = await openStateFile({
    path: path.join(stateDir, 'release.json'),
    schema: ReleaseFile,
    fallback: { schema: 1, at: clock.base(), inForce: null, lastUsedStep: null, failureAgesMs: [], unreported: [] },
    onSetAside(report) {
      isLost = true;
      onSetAside?.(report);
    },
  });
  const stored = await file.read();
  const openedMs = clock.awakeMs();
  const isSameBoot = clock.isSameBoot(stored.at);
  const passedMs = isSameBoot ? clock.base().monotonicMs - stored.at.monotonicMs : 0;

  let inForce = stored.inForce && {
    record: stored.inForce.record,
    endsMs: openedMs + stored.inForce.remainingMs - (isSameBoot ? passedMs : LEASE_MS),
  };
  let { lastUsedStep, unreported } = stored;
  // What was lost may have held used codes and failures. When attempts are free again, those codes are too old to be good.
  const ages = isLost ? Array.from({ length: MOST_FAILURES }, () => 0) : stored.failureAgesMs;
  let failedMs = ages.map((ageMs) => openedMs - ageMs - passedMs);
  let savedMs = openedMs;

  function save(): Promise<void> {
    const nowMs = clock.awakeMs();
    savedMs = nowMs;
    return file.write({
      schema: 1,
      at: clock.base(),
      inForce: inForce && { record: inForce.record, remainingMs: Math.min(RELEASE_MS, inForce.endsMs - nowMs) },
      lastUsedStep,
      failureAgesMs: failedMs.map((ms) => Math.max(0, nowMs - ms)),
      unreported: [...unreported],
    });
  }

  const saveBehind = () => void save().catch(onTrouble);

  async function begin(by: ReleaseRecord['by'], uid: number): Promise<ReleaseAnswer> {
    const before = { inForce, unreported };
    const fromMs = wallMs();
    const until = new Date(fromMs + RELEASE_MS).toISOString();
    const record = { id: randomUUID(), by, uid, from: new Date(fromMs).toISOString(), until };
    const next = { record, endsMs: clock.awakeMs() + RELEASE_MS };
    unreported = [...unreported, record].slice(-MOST_KEPT);
    inForce = next;
    try {
      await save();
    } catch (error) {
      ({ inForce, unreported } = before);
      return failed(error);
    }
    return { ok: true, until };
  }

  async function releaseByCode(secret: Uint8Array, code: string, uid: number): Promise<ReleaseAnswer> {
    const nowMs = clock.awakeMs();
    failedMs = failedMs.filter((ms) => nowMs - ms < FAILURE_MS);
    const [oldestMs] = failedMs;
    if (failedMs.length >= MOST_FAILURES && oldestMs !== undefined) {
      return { ok: false, code: 'too-soon', detail: `${Math.ceil((oldestMs + FAILURE_MS - nowMs) / 60_000)} min` };
    }
    const step = checkCode(secret, code, wallMs(), lastUsedStep);
    if (step !== null) {
      // Used also when it could not be stored: the next code is half a minute away.
      lastUsedStep = step;
      return begin('code', uid);
    }
    failedMs = [...failedMs, nowMs];
    // It counts in this process whatever the disk says, and no user can restart it.
    await save().catch(onTrouble);
    return { ok: false, code: 'wrong-code', detail: `${MOST_FAILURES - failedMs.length} more tries` };
  }

  // One after the other, so that two with the same code are not both right.
  let last: Promise<unknown> = Promise.resolve();
  function inTurn<T>(task: () => Promise<T>): Promise<T> {
    const turn = last.then(task);
    last = turn.catch(() => {});
    return turn;
  }

  if (isLost) await save().catch(onTrouble);
  return {
    current() {
      if (inForce === null) return null;
      const nowMs = clock.awakeMs();
      const leftMs = Math.min(inForce.endsMs - nowMs, Date.parse(inForce.record.until) - wallMs());
      if (leftMs <= 0) {
        // For good: a wall clock that is set back does not bring it back.
        inForce = null;
        saveBehind();
        return null;
      }
      if (nowMs - savedMs >= SAVE_EVERY_MS) saveBehind();
      return { untilMs: nowMs + leftMs, until: inForce.record.until };
    },
    releaseByCode: (secret, code, uid) => inTurn(() => releaseByCode(secret, code, uid)),
    releaseByRoot: (uid) => inTurn(() => begin('root', uid)),
    close: () => inTurn(() => save().catch(onTrouble)),
    unreported: () => unreported.slice(0, MOST_REPORTED),
    reported: (ids) =>
      inTurn(async () => {
        const before = unreported;
        unreported = unreported.filter(({ id }) => !ids.includes(id));
        if (unreported.length === before.length) return;
        await save().catch((error) => {
          unreported = before;
          throw error;
        });
      }),
  };
}

function failed(error: unknown): ReleaseAnswer {
  return {
    ok: false,
    code: 'internal',
    detail: `could not be stored: ${error instanceof Error ? error.message : 'unknown'}`.slice(0, 500),
  };
}
