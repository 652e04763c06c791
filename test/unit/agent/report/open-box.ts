import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach } from 'vitest';
import { type Outbox, type OutboxFault, type OutboxSettings, openOutbox } from '../../../../agent/report/outbox.ts';
import type { ReportKind } from '../../../../agent/report/outbox-line.ts';
import type { Report } from '../../../../contracts/report.ts';
import { AT, aReport } from './sample-report.ts';

/** In memory where there is such a place: thousands of syncs to a disk take minutes, and prove no more here. */
const parent = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
const root = await mkdtemp(path.join(parent, 'deskwarden-outbox-'));
afterAll(() => rm(root, { recursive: true, force: true }));

const open = new Set<Outbox>();
afterEach(async () => {
  for (const box of open) await box.close();
  open.clear();
});

export const EPOCH = '00000000-0000-4000-8000-000000000001';
export const NEXT_EPOCH = '00000000-0000-4000-8000-000000000002';

export interface OpenBox {
  dir: string;
  box: Outbox;
  faults: OutboxFault[];
}

export async function freshDir(): Promise<string> {
  return path.join(await mkdtemp(path.join(root, 'desk-')), 'outbox');
}

export async function openBox(dir: string, settings: Partial<OutboxSettings> = {}): Promise<OpenBox> {
  const faults: OutboxFault[] = [];
  const onFault = (fault: OutboxFault) => faults.push(fault);
  const box = await openOutbox({ dir, epoch: EPOCH, wallMs: () => Date.parse(AT), onFault, ...settings });
  open.add(box);
  return { dir, faults, box };
}

/** Appends one report, and says what it became. */
export async function put(
  { box }: Pick<OpenBox, 'box'>,
  { kind = 'change', ...about }: { kind?: ReportKind; madeAt?: string; padding?: number } = {},
): Promise<Report> {
  let made: Report | undefined;
  await box.append(
    (id, epoch, seq) => {
      made = aReport(id, epoch, seq, about);
      return made;
    },
    { kind },
  );
  if (!made) throw new Error('nothing was made');
  return made;
}

/** Takes out everything, the oldest first. */
export async function takeAll({ box }: Pick<OpenBox, 'box'>): Promise<Report[]> {
  const taken: Report[] = [];
  for (let next = await box.peek(); next; next = await box.peek()) {
    taken.push(next.report);
    await box.acknowledge(next.report.id);
  }
  return taken;
}

export const seqs = (reports: readonly Report[]) => reports.map(({ seq }) => seq);
