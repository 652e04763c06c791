import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { decodeReport, readLines } from '../../agent/report/outbox-line.ts';
import type { RuleId } from '../../contracts/finding.ts';
import type { Snapshot } from '../../contracts/local-api.ts';
import type { Report } from '../../contracts/report.ts';

/** What a daemon that is dead has left in its outbox, sent or not. A line without its end was never stored. */
export async function reportsOnDisk(outboxDir: string): Promise<Report[]> {
  // It is made with the first report.
  const all = existsSync(outboxDir) ? await readdir(outboxDir) : [];
  const names = all.filter((name) => name.endsWith('.ndjson') && name.startsWith('segment-'));
  const segments = await Promise.all(names.sort().map((name) => readFile(path.join(outboxDir, name))));
  return segments.flatMap((bytes) =>
    [...readLines(bytes)].flatMap(({ offset, length, meta }) => {
      if (meta === null) throw new Error(`${outboxDir}: a line at ${offset} is not what was written`);
      const report = 'id' in meta ? decodeReport(bytes.subarray(offset, offset + length)) : null;
      if ('id' in meta && report === null) throw new Error(`${outboxDir}: the report at ${offset} cannot be read`);
      return report ? [report] : [];
    }),
  );
}

/** What is wrong with the reports that the fleet accepted, in the order of their coming. Pure. */
export function faultsOfReports(accepted: readonly Report[], stored: readonly Report[]): string[] {
  const faults: string[] = [];
  const next = new Map<string, number>();
  const byId = new Map<string, Report>();
  for (const report of accepted) {
    const { id, epoch, seq } = report;
    const due = next.get(epoch) ?? 0;
    if (seq !== due) faults.push(`${epoch} ${seq} came where ${due} was due`);
    if (byId.has(id)) faults.push(`${id} counted twice`);
    next.set(epoch, seq + 1);
    byId.set(id, report);
  }
  for (const report of stored) {
    const taken = byId.get(report.id);
    if (!taken) faults.push(`${report.epoch} ${report.seq} was stored and never came`);
    else if (!isDeepStrictEqual(taken, report)) faults.push(`${report.epoch} ${report.seq} came otherwise than it was stored`);
  }
  return faults;
}

export interface KnownState {
  standing: string;
  gate: string;
  outcomes: Record<RuleId, unknown>;
}

/** What the fleet knows of a desk: the last full report, and the changes since. Pure. */
export function stateByReports(reports: readonly Report[]): KnownState | null {
  const sinceFull = reports.slice(reports.findLastIndex(({ scope }) => scope === 'full'));
  const last = reports.at(-1);
  if (!last || sinceFull[0]?.scope !== 'full') return null;
  const outcomes = Object.assign({}, ...sinceFull.map(({ findings }) => outcomesOf(findings))) as KnownState['outcomes'];
  return { standing: last.verdict.standing, gate: last.gate.state, outcomes };
}

/** What the desk itself says. Pure. */
export function stateOfDesk({ verdict, gate, findings }: Snapshot): KnownState {
  return { standing: verdict?.standing ?? '', gate: gate.state, outcomes: outcomesOf(findings) };
}

function outcomesOf(findings: Snapshot['findings']): KnownState['outcomes'] {
  return Object.fromEntries(findings.map(({ rule, outcome }) => [rule, outcome]));
}
