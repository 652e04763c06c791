import { createHash, randomUUID } from 'node:crypto';
import type { AuditRecord } from '../../contracts/console/audit.ts';
import type { DeviceFaultCode } from '../../contracts/fleet-api.ts';
import type { SealedFault } from '../../contracts/sealing.ts';
import type { Db, Tx } from '../db/tenancy.ts';
import { type Applied, applyReport, MAX_RULES, needsFindings } from './apply-report.ts';
import type { DeskMemory } from './desk-memory.ts';
import {
  beginDesks,
  type InstanceScope,
  lockDesks,
  readEpochs,
  readFindingDigests,
  type StateWrite,
  writeReportedStates,
} from './desk-rows.ts';
import type { PreparedReport } from './prepared-report.ts';
import { type Sealer, type Told, writeReports } from './report-rows.ts';

export interface StoreDeps {
  db: Db;
  now: () => Date;
  /** Of the class `evidence`. */
  evidenceKey(tx: Tx, scope: InstanceScope): Promise<Sealer>;
  appendAudit(tx: Tx, tenant: string, record: AuditRecord): Promise<unknown>;
}

export type Stored =
  | { kind: 'accepted'; sealedFault: SealedFault | null }
  | { kind: 'refused'; code: DeviceFaultCode; detail: string; path?: string };

/** Reports of different desks of one instance, in one transaction. Resolves once it is committed. */
export async function storeReports(deps: StoreDeps, scope: InstanceScope, reports: readonly PreparedReport[]): Promise<Stored[]> {
  return withDesks(
    deps,
    scope,
    reports.map(({ device }) => device),
    (tx, states, now) => store(deps, tx, scope, reports, states, now),
  );
}

/** Desks whose state was lost get one first; `work` sees only desks that the instance has. */
export async function withDesks<T>(
  { db, now }: Pick<StoreDeps, 'db' | 'now'>,
  scope: InstanceScope,
  devices: readonly string[],
  work: (tx: Tx, desks: ReadonlyMap<string, Omit<DeskMemory, 'epochs'>>, now: Date) => Promise<T>,
): Promise<T> {
  for (let again = true; ; again = false) {
    const done = await db.within(scope, async (tx) => {
      const desks = new Map((await lockDesks(tx, scope, devices)).map((row) => [row.device, row]));
      if (again && devices.some((device) => !desks.has(device))) return null;
      return { result: await work(tx, desks, now()) };
    });
    if (done !== null) return done.result;
    await db.within(scope, (tx) => beginDesks(tx, scope, devices, now()));
  }
}

async function store(
  deps: StoreDeps,
  tx: Tx,
  scope: InstanceScope,
  reports: readonly PreparedReport[],
  states: ReadonlyMap<string, Omit<DeskMemory, 'epochs'>>,
  now: Date,
): Promise<Stored[]> {
  const wanted = reports.flatMap(({ device, epoch }) => {
    const current = states.get(device)?.epoch;
    return current && current !== epoch
      ? [
          { device, epoch },
          { device, epoch: current },
        ]
      : [{ device, epoch }];
  });
  const epochs = await readEpochs(tx, scope, wanted);
  const known = reports.map((report) => {
    const state = states.get(report.device);
    return { report, memory: state && { ...state, epochs: epochs.get(report.device) ?? new Map() } };
  });
  const changing = known.filter(({ report, memory }) => memory && needsFindings(memory, report)).map(({ report }) => report.device);
  const digests = await readFindingDigests(tx, scope, changing);
  const applied = known.map(({ report, memory }) => ({
    report,
    result: memory ? applyReport(memory, digests.get(report.device) ?? new Map(), report, now) : null,
  }));
  const refused = await write(deps, tx, scope, applied, now);
  return applied.map(({ report, result }) => answerOf(report, result, refused));
}

async function write(
  { evidenceKey, appendAudit }: StoreDeps,
  tx: Tx,
  scope: InstanceScope,
  applied: readonly { report: PreparedReport; result: Applied | null }[],
  now: Date,
): Promise<ReadonlySet<string>> {
  const states: StateWrite[] = [];
  const told: Told[] = [];
  for (const { report, result } of applied) {
    if (result?.kind !== 'news') continue;
    const { desk, epoch, changes } = result;
    states.push({ desk, agentVersion: report.agentVersion, reported: { at: now, blocksAt: report.blocksAt, epoch } });
    told.push({ report, changes, group: desk.group });
  }
  let refused: ReadonlySet<string> = new Set();
  if (states.length > 0) {
    await writeReportedStates(tx, scope, states);
    refused = await writeReports(tx, scope, () => evidenceKey(tx, scope), told, now);
  }
  const taken = applied.filter(({ result }) => result?.kind === 'news' || result?.kind === 'again').map(({ report }) => report);
  if (taken.length > 0) await appendAudit(tx, scope.tenant, batchRecord(scope, taken, now));
  return refused;
}

function batchRecord({ instance }: InstanceScope, reports: readonly PreparedReport[], now: Date): AuditRecord {
  const hash = createHash('sha256');
  for (const { device, epoch, seq, id } of reports) hash.update(`${device} ${epoch} ${seq} ${id}\n`);
  return {
    eventId: randomUUID(),
    at: now.toISOString(),
    actor: { kind: 'device' },
    action: 'reports.accepted',
    status: 200,
    targets: [{ type: 'Instance', id: instance }],
    change: { afterHash: hash.digest('hex') },
    requestId: 'intake',
    count: reports.length,
  };
}

/** `refused`: desks whose sealed fields were not stored. */
function answerOf({ device, epoch, seq }: PreparedReport, result: Applied | null, refused: ReadonlySet<string>): Stored {
  switch (result?.kind) {
    case undefined:
      return { kind: 'refused', code: 'not-enrolled', detail: 'no such device' };
    case 'taken':
      return { kind: 'refused', code: 'sequence-taken', detail: `${epoch} ${seq}` };
    case 'too-many-rules':
      return { kind: 'refused', code: 'bad-request', detail: `more than ${MAX_RULES} rules on one desk`, path: 'findings' };
    default:
      return { kind: 'accepted', sealedFault: refused.has(device) ? 'cse-key-invalid' : null };
  }
}
