import { randomBytes } from 'node:crypto';
import { link, open, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { EmbeddedFault } from './embedded-fault.ts';

const Credentials = z.strictObject({ admin: z.string().min(20), owner: z.string().min(20), app: z.string().min(20) });
/** Passwords of the three roles of the embedded server. */
export type Credentials = z.infer<typeof Credentials>;

const RANDOM_BYTES = 32;

/** Those of the data directory; made when there is no data yet. */
export async function credentialsOf(dir: string, dataExists: boolean): Promise<Credentials> {
  const file = path.join(dir, 'credentials.json');
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (text !== null) {
    const parsed = Credentials.safeParse(parseJson(text));
    if (parsed.success) return parsed.data;
    throw new EmbeddedFault('no-credentials', `${file} is not what it was: put back the copy that was saved with the data`);
  }
  if (dataExists) throw new EmbeddedFault('no-credentials', `${file} is gone: put back the copy that was saved with the data`);
  const [admin, owner, app] = [1, 2, 3].map(() => randomBytes(RANDOM_BYTES).toString('base64url'));
  const made = Credentials.parse({ admin, owner, app });
  await writeOnce(file, JSON.stringify(made));
  return made;
}

async function writeOnce(file: string, text: string): Promise<void> {
  const draft = `${file}.new`;
  await rm(draft, { force: true });
  const handle = await open(draft, 'wx', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await link(draft, file);
  await rm(draft, { force: true });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
