import path from 'node:path';
import { listFiles, readTail, type Unreadable } from './read-files.ts';
import { withoutKeys } from './redact.ts';

const MAX_LOG_BYTES = 2 * 1024 * 1024;

/** The last of the log, by file, the newest file last. */
export async function readLog(dir: string, maxBytes = MAX_LOG_BYTES): Promise<Record<string, unknown[]> | Unreadable> {
  const listed = await listFiles(dir);
  if ('unreadable' in listed) return listed;
  const newestFirst = listed.filter(({ kind }) => kind === 'file').sort((a, b) => b.modifiedAt.localeCompare(a.modifiedAt));
  const taken: [string, unknown[]][] = [];
  let leftBytes = maxBytes;
  for (const { name } of newestFirst) {
    if (leftBytes <= 0) break;
    const read = await readTail(path.join(dir, name), leftBytes);
    if ('unreadable' in read) {
      taken.unshift([name, [read]]);
      continue;
    }
    leftBytes -= Buffer.byteLength(read.text);
    taken.unshift([name, linesOf(read.text, read.isWhole)]);
  }
  return Object.fromEntries(taken);
}

/** A private key may go over several lines of text that is no event, so it is taken out before there are lines. */
function linesOf(text: string, isWhole: boolean): unknown[] {
  const lines = withoutKeys(text).split('\n');
  // Half a line is no line; of a file without an end of line it is all there is.
  const whole = isWhole || lines.length === 1 ? lines : lines.slice(1);
  return whole.filter((line) => line.trim() !== '').map(eventOf);
}

/** The event that a line tells, or its text where it is none. */
function eventOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return line;
  }
}
