import path from 'node:path';
import type { AnyCheck } from '../../checks/check.ts';
import type { Clock } from '../../checks/host.ts';
import type { Policy } from '../../contracts/policy.ts';
import type { Report } from '../../contracts/report.ts';
import type { SealingKey } from '../../contracts/sealing.ts';
import type { ReleaseStore } from '../gate/release-store.ts';
import type { DeskView } from '../report/build-report.ts';
import { openOutbox } from '../report/outbox.ts';
import { setRefusedAside } from '../report/refused-reports.ts';
import { createReporter, type MadeReport } from '../report/reporter.ts';
import { sealFields } from '../report/seal-fields.ts';
import { createSender, type SendResult } from '../report/sender.ts';

/** Who reports, of what, and what of it may leave the desk. */
export interface ReportSource {
  view: Omit<DeskView, 'releases'>;
  allowed: Policy['reporting']['fields'];
  /** Null: restricted fields stay on the desk. */
  sealingKey: SealingKey | null;
}

export interface ReportingSettingsOfDesk {
  stateDir: string;
  epoch: string;
  checks: readonly AnyCheck[];
  clock: Clock;
  random: () => number;
  releases: Pick<ReleaseStore, 'unreported' | 'reported'>;
  /** Null while the desk is not enrolled, or has decided nothing. */
  source: () => ReportSource | null;
  send: (report: Report, signal: AbortSignal) => Promise<SendResult>;
  onFault: (what: string, detail: string) => void;
}

export interface Reporting {
  /** Something may be worth a report. */
  changed(): void;
  /** The fleet lacks this desk's state. */
  demandFull(): void;
  /** There is hope of being heard again. */
  kick(): void;
  stats(): { reports: number; bytes: number; dropped: number };
  stop(): Promise<void>;
}

/** Findings come in bursts; one report tells of all of them. */
const BURST_MS = 2_000;
/** A report that could not be stored is made anew, whole. */
const STORE_AGAIN_MS = 15_000;
/** The daily full report is due without anything having happened. */
const LOOK_EVERY_MS = 10 * 60_000;

/** From what the desk knows to what the fleet has stored: made, sealed, kept on the disk, sent. */
export async function openReporting(settings: ReportingSettingsOfDesk): Promise<Reporting> {
  const { stateDir, epoch, checks, clock, random, releases, source, onFault } = settings;
  const dir = path.join(stateDir, 'outbox');
  const reporter = createReporter({ checks, wallMs: clock.wallMs });
  const outbox = await openOutbox({
    dir,
    epoch,
    wallMs: clock.wallMs,
    onFault({ code, detail }) {
      // What was lost or given up leaves a gap that only a full report closes.
      reporter.oweFull();
      onFault(`outbox ${code}`, detail);
    },
  });
  const sender = createSender({
    outbox,
    send: settings.send,
    setAside: (report, code) => setRefusedAside(dir, report, code, new Date(clock.wallMs()).toISOString()),
    clock,
    random,
    onFault({ code, detail }) {
      if (code === 'refused') reporter.oweFull();
      if (code === 'new-epoch') reporter.demandFull();
      onFault(`sender ${code}`, detail);
    },
  });
  let timer: NodeJS.Timeout | undefined;
  let storing: Promise<void> = Promise.resolve();
  let stopped = false;
  /** Told once for each row of failures. */
  let isFailing = false;
  const looking = setInterval(() => changed(), LOOK_EVERY_MS);
  looking.unref();

  function changed(afterMs = BURST_MS): void {
    if (stopped) return;
    timer ??= setTimeout(() => {
      timer = undefined;
      storing = storing.then(store);
    }, afterMs);
  }

  async function store(): Promise<void> {
    try {
      const from = source();
      if (!from) return;
      const made = reporter.consider({ ...from.view, releases: [...releases.unreported()] }, from.allowed);
      if (!made) return;
      await append(made, from.sealingKey);
      await releases.reported(made.draft.releases.map(({ id }) => id));
      isFailing = false;
      sender.more();
    } catch (error) {
      reporter.demandFull();
      if (!isFailing) onFault('report not stored', error instanceof Error ? error.message : String(error));
      isFailing = true;
      changed(STORE_AGAIN_MS);
    }
  }

  async function append({ draft, restricted, kind }: MadeReport, key: SealingKey | null): Promise<void> {
    const sealed = await sealFields(restricted, key);
    await outbox.append((id, inEpoch, seq) => ({ ...draft, id, epoch: inEpoch, seq, sealed }), { kind });
  }

  return {
    changed: () => changed(),
    demandFull() {
      reporter.demandFull();
      changed();
    },
    kick: () => sender.kick(),
    stats: () => outbox.stats(),
    async stop() {
      stopped = true;
      clearTimeout(timer);
      clearInterval(looking);
      await storing;
      await sender.stop();
      await outbox.close();
    },
  };
}
