import { randomUUID } from 'node:crypto';
import { unlink } from 'node:fs/promises';
import type { Report } from '../../contracts/report.ts';
import { replaceFile } from '../store/replace-file.ts';
import { errnoOf, StoreError } from '../store/store-error.ts';
import { decodeReport, encodeLine, encodeReport, filterLines, type ReportKind, readLines } from './outbox-line.ts';
import { createSegment, listSegments, readSegment, readSlice, type SegmentWriter, segmentPath } from './segment-file.ts';

/** Small, so that one can be written anew in a moment and little of what was sent stays on the disk. */
const SEGMENT_BYTES = 512 * 1024;
/** A new segment's first line, at most. */
const HEADER_BYTES = 256;

interface Segment {
  number: number;
  path: string;
  bytes: number;
  /** Reports in the file, and those of them that still wait. */
  stored: number;
  live: number;
}

/** The newest segment, once this start has begun it. */
interface Active {
  segment: Segment;
  writer: SegmentWriter;
}

interface Entry {
  id: string;
  kind: ReportKind;
  epoch: string;
  seq: number;
  madeAtMs: number;
  segment: Segment;
  offset: number;
  length: number;
}

export interface OutboxLog {
  /** Waiting reports, the oldest first. */
  waiting(): IterableIterator<Entry>;
  size(): number;
  /** On the disk. */
  bytes(): number;
  /** What the next report is stamped with. */
  next(): { epoch: string; seq: number };
  /** Durably, all of them or, with a `StoreError`, none; they are stamped with `next()` and on. */
  add(reports: readonly { report: Report; kind: ReportKind }[]): Promise<void>;
  /** Null when it is not on the disk as it was written. */
  read(entry: Entry): Promise<Report | null>;
  /** Not durably: a power cut or a failed write brings it back at the next start. */
  remove(id: string): Promise<void>;
  restamp(epoch: string): Promise<void>;
  dropOlder(thanMs: number): number;
  close(): Promise<void>;
}

export interface LogSettings {
  dir: string;
  epoch: string;
  maxBytes: number;
  onCorrupt: (detail: string) => void;
  onDropped: (count: number) => void;
}

/**
 * Segments of lines, each headed by where the counting stands, so that the newest alone says which numbers are taken; it
 * is never removed before there is a newer one. Every start begins a new segment: nothing is ever written behind a tail
 * that a kill has torn. One caller at a time. Rejects with a `StoreError`.
 */
export async function openOutboxLog({ dir, epoch: asked, maxBytes, onCorrupt, onDropped }: LogSettings): Promise<OutboxLog> {
  const segmentBytes = Math.min(SEGMENT_BYTES, Math.floor(maxBytes / 8));
  const entries = new Map<string, Entry>();
  const segments: Segment[] = [];
  let active = null as Active | null;
  let epoch = asked;
  let seq = 0;
  await load();

  async function load(): Promise<void> {
    const numbers = await listSegments(dir);
    let known = null as { asked: string; isSure: boolean } | null;
    for (const number of numbers) {
      const path = segmentPath(dir, number);
      const bytes = await readSegment(path, number === numbers.at(-1));
      const segment: Segment = { number, path, bytes: bytes.length, stored: 0, live: 0 };
      segments.push(segment);
      known = { asked: known?.asked ?? asked, isSure: false };
      for (const { offset, length, meta } of readLines(bytes)) {
        if (meta === null) {
          onCorrupt(`${path}: ${length} bytes at ${offset}`);
          // It may have taken a number.
          seq += 1;
        } else if ('nextSeq' in meta) {
          known = { asked: meta.asked, isSure: true };
          epoch = meta.epoch;
          seq = meta.nextSeq;
        } else if ('restamped' in meta) {
          stampAnew(meta.restamped, epoch);
        } else if ('done' in meta) {
          forget(meta.done);
        } else {
          enter({ ...meta, madeAtMs: Date.parse(meta.madeAt), segment, offset, length });
          if (meta.epoch === epoch) seq = Math.max(seq, meta.seq + 1);
        }
      }
    }
    // Numbers that may be taken are not used: neither those of an epoch that nobody knows, nor those before a new one.
    if (known && !known.isSure) [epoch, seq] = [randomUUID(), 0];
    else if (known && known.asked !== asked && epoch !== asked) [epoch, seq] = [asked, 0];
    await sweep();
  }

  function enter(entry: Entry): void {
    entries.set(entry.id, entry);
    entry.segment.stored += 1;
    entry.segment.live += 1;
  }

  function forget(id: string): void {
    const entry = entries.get(id);
    if (entry) entry.segment.live -= 1;
    entries.delete(id);
  }

  function stampAnew(ids: readonly string[], stamp: string): void {
    for (const [place, id] of ids.entries()) {
      const entry = entries.get(id);
      if (entry) Object.assign(entry, { epoch: stamp, seq: place });
    }
  }

  async function begin(extra: Buffer = Buffer.alloc(0), stamp = { epoch, nextSeq: seq }): Promise<Active> {
    await active?.writer.close().catch(() => {});
    active = null;
    const number = (segments.at(-1)?.number ?? 0) + 1;
    const head = Buffer.concat([encodeLine({ schema: 1, asked, ...stamp }), extra]);
    const path = segmentPath(dir, number);
    const begun = { writer: await createSegment(path, head), segment: { number, path, bytes: head.length, stored: 0, live: 0 } };
    active = begun;
    segments.push(begun.segment);
    await sweep();
    return begun;
  }

  /** From the oldest on: a later segment may say which reports of an earlier one are done. */
  async function sweep(): Promise<void> {
    for (let [first] = segments; first && first.live === 0 && segments.length > 1; [first] = segments) {
      const isGone = await unlink(first.path).then(
        () => true,
        (error) => errnoOf(error) === 'ENOENT',
      );
      // The next sweep tries again.
      if (!isGone) return;
      segments.shift();
    }
  }

  async function append(bytes: Buffer, durable: boolean): Promise<{ segment: Segment; offset: number }> {
    const isFull = (segment: Segment) => segment.stored > 0 && segment.bytes + bytes.length > segmentBytes;
    const { segment, writer } = active && !active.writer.isSpoilt() && !isFull(active.segment) ? active : await begin();
    await writer.write(bytes, durable);
    const offset = segment.bytes;
    segment.bytes += bytes.length;
    return { segment, offset };
  }

  function bytes(): number {
    return segments.reduce((sum, segment) => sum + segment.bytes, 0);
  }

  /** Gives up what is done already, then what tells nothing new, the oldest first, and changes last of all. */
  async function makeRoom(incoming: number): Promise<void> {
    let dropped = 0;
    try {
      for (await sweep(); bytes() + incoming + HEADER_BYTES > maxBytes; await sweep()) {
        const spent = segments.find((segment) => segment.live < segment.stored);
        if (!spent) dropped += dropFromOne();
        else if (spent === segments.at(-1)) await begin();
        else await rewrite(spent);
      }
    } finally {
      if (dropped > 0) onDropped(dropped);
    }
  }

  function dropFromOne(): number {
    const all = [...entries.values()];
    const first = all.find(({ kind }) => kind === 'unchanged') ?? all[0];
    if (!first) throw new StoreError('not-storable', `${dir}: does not fit into ${maxBytes} bytes`);
    const given = all.filter(({ segment, kind }) => segment === first.segment && kind === first.kind);
    for (const { id } of given) forget(id);
    return given.length;
  }

  async function rewrite(segment: Segment): Promise<void> {
    const moved: [Entry, number][] = [];
    const kept = filterLines(await readSegment(segment.path), (meta, offset) => {
      if (!('id' in meta)) return true;
      const entry = entries.get(meta.id);
      if (entry?.segment !== segment) return false;
      moved.push([entry, offset]);
      return true;
    });
    await replaceFile(segment.path, kept.toString('utf8'));
    for (const [entry, offset] of moved) entry.offset = offset;
    Object.assign(segment, { bytes: kept.length, stored: moved.length, live: moved.length });
  }

  return {
    waiting: () => entries.values(),
    size: () => entries.size,
    bytes,
    next: () => ({ epoch, seq }),
    async add(reports) {
      const lines = reports.map(({ report, kind }) => encodeReport(report, kind));
      const all = Buffer.concat(lines.map(({ line }) => line));
      await makeRoom(all.length);
      const written = await append(all, true).catch((error) => {
        // They may be on the disk all the same, and be sent after the next start.
        if (active?.writer.isSpoilt()) seq += reports.length;
        throw error;
      });
      let { offset } = written;
      for (const { meta, line } of lines) {
        enter({ ...meta, madeAtMs: Date.parse(meta.madeAt), segment: written.segment, offset, length: line.length });
        offset += line.length;
      }
      seq += reports.length;
    },
    async read({ id, segment, offset, length, epoch: stamp, seq: place }) {
      const report = decodeReport(await readSlice(segment.path, offset, length));
      return report?.id === id ? { ...report, epoch: stamp, seq: place } : null;
    },
    async remove(id) {
      if (!entries.has(id)) return;
      forget(id);
      await append(encodeLine({ done: id }), false);
      await sweep();
    },
    async restamp(stamp) {
      if (stamp === epoch) throw new StoreError('not-storable', `epoch ${stamp} is the present one`);
      const ids = [...entries.keys()];
      await begin(encodeLine({ restamped: ids }), { epoch: stamp, nextSeq: ids.length });
      [epoch, seq] = [stamp, ids.length];
      stampAnew(ids, stamp);
    },
    dropOlder(thanMs) {
      const old = [...entries.values()].filter(({ madeAtMs }) => madeAtMs < thanMs);
      for (const { id } of old) forget(id);
      return old.length;
    },
    async close() {
      await active?.writer.close();
      active = null;
    },
  };
}
