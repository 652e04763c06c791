import path from 'node:path';
import { z } from 'zod';

export type SecretSource =
  | { kind: 'file'; path: string }
  | { kind: 'env'; name: string }
  /** In a secret manager, under its own name for it. */
  | { kind: 'provider'; provider: string; name: string };

const envPattern = /^env:([A-Za-z_][A-Za-z0-9_]{0,127})$/;
const providerPattern = /^secret:\/\/([a-z][a-z0-9-]{0,62})\/([\w./+=@:-]{1,512})$/;
const filePrefix = 'file:';

/**
 * Where a secret is, never what it is: `file:/absolute/path`, `env:NAME`, or `secret://provider/name`. What is refused is
 * not repeated in the message: it may be the secret.
 */
export const SecretReference = z
  .string()
  .max(4_096)
  .refine(
    (text) => sourceOf(text) !== null,
    'expected where the secret is, and not the secret: file:/absolute/path, env:NAME or secret://provider/name',
  );

export function sourceOf(reference: string): SecretSource | null {
  if (reference.startsWith(filePrefix)) {
    const filePath = reference.slice(filePrefix.length);
    // `file:///run/x` would be read as /run/x by some and as //run/x by others.
    return path.isAbsolute(filePath) && !filePath.startsWith('//') && !filePath.includes('\0') ? { kind: 'file', path: filePath } : null;
  }
  const [, variable] = envPattern.exec(reference) ?? [];
  if (variable) return { kind: 'env', name: variable };
  const [, provider, name] = providerPattern.exec(reference) ?? [];
  return provider && name ? { kind: 'provider', provider, name } : null;
}
