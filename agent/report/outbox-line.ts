import { createHash } from 'node:crypto';
import { z } from 'zod';
import { Report } from '../../contracts/report.ts';

/** `unchanged`: a full report that tells nothing new, the first to be dropped. */
export const ReportKind = z.enum(['change', 'unchanged']);
export type ReportKind = z.infer<typeof ReportKind>;

/** First line of a segment: where the counting stands. */
const Header = z.strictObject({
  schema: z.literal(1),
  /** The epoch that the daemon asked for; reports may be stamped with a later one. */
  asked: z.uuid(),
  epoch: z.uuid(),
  nextSeq: z.int().nonnegative(),
});

/** What the queue must know of a report without parsing it; the report follows on the same line. */
const Stored = Report.pick({ id: true, epoch: true, seq: true, madeAt: true }).extend({ kind: ReportKind });
type Stored = z.infer<typeof Stored>;

/** This report is not to be sent any more. */
const Done = z.strictObject({ done: z.uuid() });

/** Every report that waited, in order: from here on they count from 0 in the segment's epoch. */
const Restamped = z.strictObject({ restamped: z.array(z.uuid()) });

const Meta = z.union([Stored, Done, Header, Restamped]);
export type Meta = z.infer<typeof Meta>;

const SUM_LENGTH = 16;
const NEWLINE = 0x0a;
const TAB = 0x09;

export function encodeReport(report: Report, kind: ReportKind): { meta: Stored; line: Buffer } {
  const { id, epoch, seq, madeAt } = report;
  const meta = { id, epoch, seq, madeAt, kind };
  return { meta, line: encodeLine(meta, report) };
}

/** `<checksum> <meta>[<tab><report>]`: JSON text has neither tabs nor newlines of its own. */
export function encodeLine(meta: Meta, report?: Report): Buffer {
  const text = JSON.stringify(meta) + (report ? `\t${JSON.stringify(report)}` : '');
  return Buffer.from(`${sumOf(Buffer.from(text))} ${text}\n`);
}

export interface Line {
  offset: number;
  /** With its newline. */
  length: number;
  /** Null: not what was written. */
  meta: Meta | null;
}

/** Every line that has ended; what follows the last newline was never whole. */
export function* readLines(bytes: Buffer): Generator<Line> {
  for (let offset = 0; ; ) {
    const end = bytes.indexOf(NEWLINE, offset);
    if (end < 0) return;
    const length = end + 1 - offset;
    yield { offset, length, meta: partsOf(bytes.subarray(offset, end + 1))?.meta ?? null };
    offset += length;
  }
}

/** The good lines that are to stay, each told where it will then be. */
export function filterLines(bytes: Buffer, stays: (meta: Meta, offset: number) => boolean): Buffer {
  const kept: Buffer[] = [];
  let end = 0;
  for (const { offset, length, meta } of readLines(bytes)) {
    if (meta === null || !stays(meta, end)) continue;
    kept.push(bytes.subarray(offset, offset + length));
    end += length;
  }
  return Buffer.concat(kept);
}

/** The report of a line; null when it is not what was written, or not of this version's shape. */
export function decodeReport(line: Buffer): Report | null {
  const body = partsOf(line)?.body;
  return body ? parsed(Report, body) : null;
}

function partsOf(line: Buffer): { meta: Meta; body: Buffer } | null {
  const text = line.subarray(SUM_LENGTH + 1, -1);
  if (line.toString('latin1', 0, SUM_LENGTH) !== sumOf(text)) return null;
  const tab = text.indexOf(TAB);
  const headLength = tab < 0 ? text.length : tab;
  const meta = parsed(Meta, text.subarray(0, headLength));
  return meta && { meta, body: text.subarray(headLength + 1) };
}

function parsed<S extends z.ZodType>(schema: S, text: Buffer): z.output<S> | null {
  try {
    return schema.safeParse(JSON.parse(text.toString('utf8'))).data ?? null;
  } catch {
    return null;
  }
}

function sumOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, SUM_LENGTH);
}
