import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { sourceOf } from './secret-reference.ts';

/** A secret manager: AWS Secrets Manager, Vault. Rejects where it has no such secret or refuses it. */
export interface SecretProvider {
  read(name: string, signal: AbortSignal): Promise<string>;
}

export interface SecretSources {
  env: Readonly<Record<string, string | undefined>>;
  /** By the name that references carry. */
  providers?: ReadonlyMap<string, SecretProvider>;
}

/** Names the reference and what to do about it, never the secret. */
class SecretFault extends Error {
  override readonly name = 'SecretFault';
}

/** Keys and certificates are smaller; a path that was mistyped may name anything. */
const MAX_BYTES = 64 * 1_024;
/** The server's start waits for it, and the service manager for the start. */
const PROVIDER_TIMEOUT_MS = 10_000;

/** Without the newline that editors leave at its end. Read anew at each call, so that a rotated secret takes effect. */
export async function readSecret(reference: string, { env, providers }: SecretSources): Promise<string> {
  const source = sourceOf(reference);
  if (!source) throw new SecretFault('a secret was given itself, where a reference to it is expected');
  const secret = await read();
  if (secret === '') throw new SecretFault(`${reference} is empty`);
  return secret;

  async function read(): Promise<string> {
    if (source?.kind === 'file') return withoutNewline(await readFile(source.path, reference));
    if (source?.kind === 'env') {
      const value = env[source.name];
      if (value === undefined) throw new SecretFault(`${reference}: the environment has no such variable`);
      return value;
    }
    const provider = providers?.get(source?.provider ?? '');
    if (!source || !provider) throw new SecretFault(`${reference}: this server is not connected to a secret manager of this name`);
    return fromProvider(provider, source.name, reference);
  }
}

async function readFile(path: string, reference: string): Promise<string> {
  // Followed where it is a link, as mounted secrets are; a pipe without a writer would be waited for for ever.
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: NodeJS.ErrnoException) => {
    throw new SecretFault(`${reference} cannot be read: ${error.code ?? 'unknown'}`);
  });
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw new SecretFault(`${reference} is no regular file`);
    if ((stats.mode & 0o007) !== 0) {
      throw new SecretFault(`${reference} is open to every user (mode ${(stats.mode & 0o777).toString(8)}): chmod o= ${path}`);
    }
    if (stats.size > MAX_BYTES) throw new SecretFault(`${reference} has more than ${MAX_BYTES} bytes`);
    return new TextDecoder('utf-8', { fatal: true }).decode(await handle.readFile());
  } catch (error) {
    // What a decoder says of bytes that are no text shows none of them, and helps nobody.
    throw error instanceof SecretFault ? error : new SecretFault(`${reference} is no text`);
  } finally {
    await handle.close();
  }
}

async function fromProvider(provider: SecretProvider, name: string, reference: string): Promise<string> {
  const abort = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new SecretFault(`${reference}: no answer within ${PROVIDER_TIMEOUT_MS} ms`));
      abort.abort();
    }, PROVIDER_TIMEOUT_MS);
  });
  try {
    return await Promise.race([provider.read(name, abort.signal), late]);
  } catch (error) {
    // Its own words may hold what it found.
    throw error instanceof SecretFault ? error : new SecretFault(`${reference}: the secret manager refused or does not have it`);
  } finally {
    clearTimeout(timer);
  }
}

function withoutNewline(text: string): string {
  return text.replace(/\r?\n$/, '');
}
