import { type FileHandle, open } from 'node:fs/promises';
import { policyMessages } from './messages.ts';

/** Larger than any policy a person writes, small enough to read whole. */
const MAX_POLICY_BYTES = 1024 * 1024;

export type PolicySource = { ok: true; text: string } | { ok: false; message: string };

/** Reads a policy as text. Never reads more than one byte above the limit, whatever the file claims to be. */
export async function readPolicySource(path: string): Promise<PolicySource> {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (error) {
    return { ok: false, message: policyMessages.cannotOpen(errorCode(error)) };
  }
  try {
    const stat = await file.stat();
    if (stat.isDirectory()) return { ok: false, message: policyMessages.isDirectory };
    if (stat.size > MAX_POLICY_BYTES) return { ok: false, message: policyMessages.tooBig(stat.size) };
    const bytes = await readAtMost(file, MAX_POLICY_BYTES + 1);
    return bytes.length > MAX_POLICY_BYTES ? { ok: false, message: policyMessages.tooBig(null) } : decode(bytes);
  } catch (error) {
    return { ok: false, message: policyMessages.cannotOpen(errorCode(error)) };
  } finally {
    await file.close();
  }
}

async function readAtMost(file: FileHandle, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let total = 0;
  while (total < limit) {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(Math.min(64 * 1024, limit - total)));
    if (bytesRead === 0) break;
    chunks.push(buffer.subarray(0, bytesRead));
    total += bytesRead;
  }
  return Buffer.concat(chunks);
}

function decode(bytes: Buffer): PolicySource {
  const [first, second, third, fourth] = bytes;
  const utf16Mark = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
  const utf16Letters = (first === 0) !== (second === 0) && (third === 0) !== (fourth === 0);
  if (utf16Mark || utf16Letters) return { ok: false, message: policyMessages.utf16 };
  if (bytes.includes(0)) return { ok: false, message: policyMessages.binary };
  try {
    return { ok: true, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch {
    return { ok: false, message: policyMessages.notUtf8 };
  }
}

export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown error';
}
