import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { geteuid } from 'node:process';
import { answerLocalApi, type WindowApplied } from '../../../agent/daemon/local-handlers.ts';
import { systemClock } from '../../../agent/host/clock.ts';
import { LIMITS } from '../../../agent/local-api/limits.ts';
import { type LocalApi, listenLocalApi } from '../../../agent/local-api/server.ts';
import { judgeReading } from '../../../agent/run/run-rule.ts';
import { catalog } from '../../../checks/catalog.ts';
import type { CheckId } from '../../../contracts/finding.ts';
import type { CallActivity } from '../../../contracts/gate.ts';
import type { ProbeReading, Snapshot } from '../../../contracts/local-api.ts';
import { daemonKeyPath } from '../../../contracts/local-link/address.ts';
import { fakePlan } from '../../fakes/fake-plan.ts';
import { deskSnapshot, finding } from './desk-told.ts';

const uid = geteuid?.() ?? 0;

/** The daemon's own side of the local socket, and its own judgement of evidence; the rest of it says what the test says. */
export interface ScriptedDaemon {
  runDir: string;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** From now on; a verdict and a gate are told as they change. */
  say(change: Partial<Snapshot>): void;
  told(): Snapshot;
  /** What it was asked for, and told, so far. */
  heard: { rechecks: (CheckId | 'all')[]; applied: WindowApplied[]; activity: CallActivity[]; readings: ProbeReading[] };
}

export function scriptDaemon(dir: string): ScriptedDaemon {
  const runDir = path.join(dir, 'run');
  const keys = generateKeyPairSync('ed25519');
  const heard: ScriptedDaemon['heard'] = { rechecks: [], applied: [], activity: [], readings: [] };
  let snapshot = deskSnapshot();
  let api: LocalApi | null = null;
  let isPublished = false;

  const say = (change: Partial<Snapshot>) => {
    snapshot = { ...snapshot, ...change };
    if (change.verdict) api?.broadcast('verdictChanged', change.verdict);
    if (change.gate) api?.broadcast('gateChanged', change.gate);
    for (const one of change.findings ?? []) api?.broadcast('progress', { kind: 'finding', round: 1, finding: one });
  };

  const handlers = answerLocalApi({
    uid,
    checks: catalog,
    clock: systemClock,
    snapshot: () => snapshot,
    history: () => ({ quality: [], standings: [], watched: [] }),
    recheck(check) {
      heard.rechecks.push(check ?? 'all');
      return 0;
    },
    submit(check, reading) {
      heard.readings.push(reading);
      const rule = snapshot.session.rules.find((one) => one.check === check.id);
      if (!rule) return null;
      const judged = judgeReading(rule, check, reading, fakePlan(), 'endpoint');
      if (!judged.ok) return judged.detail;
      const { outcome, evidence } = judged.value;
      const others = snapshot.findings.filter((one) => one.check !== check.id);
      say({ findings: [...others, finding(check.id, outcome, 'session', evidence)] });
      return null;
    },
    onWindow: (applied) => void heard.applied.push(applied),
    onActivity: (says) => void heard.activity.push(says),
    release: async () => ({ ok: false, code: 'not-enrolled', detail: 'scripted' }),
  });

  return {
    runDir,
    async start() {
      // Once: an app that reads it while it is written would take its half for a stranger's.
      if (!isPublished) await publishKey(runDir, keys.publicKey);
      isPublished = true;
      const users = async () => [uid];
      api = await listenLocalApi({ dir: runDir, users, handlers: () => handlers, key: keys.privateKey, limits: LIMITS, onFault: () => {} });
    },
    async stop() {
      await api?.close();
      api = null;
    },
    say,
    told: () => snapshot,
    heard,
  };
}

async function publishKey(runDir: string, key: KeyObject): Promise<void> {
  await mkdir(runDir, { recursive: true, mode: 0o755 });
  await writeFile(daemonKeyPath(runDir), key.export({ type: 'spki', format: 'pem' }), { mode: 0o644 });
}
