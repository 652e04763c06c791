import { readFile } from 'node:fs/promises';
import { parseDocument } from 'yaml';
import { DaemonConfig } from '../../contracts/config.ts';
import { parseUnknown } from '../../contracts/parse.ts';
import { daemonMessages } from './messages.ts';
import { errorCode } from './policy-source.ts';

export type ConfigRead = { ok: true; config: DaemonConfig } | { ok: false; lines: string[]; because: 'missing' | 'unreadable' | 'wrong' };

/** The daemon's configuration; a missing file is told apart, since that is how every installation begins. */
export async function readConfig(path: string): Promise<ConfigRead> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const code = errorCode(error);
    return {
      ok: false,
      because: code === 'ENOENT' ? 'missing' : 'unreadable',
      lines: [code === 'ENOENT' ? daemonMessages.noConfig(path) : daemonMessages.badConfig(path, '', code)],
    };
  }
  const document = parseDocument(text, { version: '1.2', schema: 'core', merge: false, stringKeys: true });
  const [flaw] = document.errors;
  if (flaw) return { ok: false, because: 'wrong', lines: [daemonMessages.badConfig(path, '', flaw.message)] };
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 0 });
  } catch (error) {
    return {
      ok: false,
      because: 'wrong',
      lines: [daemonMessages.badConfig(path, '', error instanceof Error ? error.message : 'unreadable')],
    };
  }
  const parsed = parseUnknown(DaemonConfig, value);
  if (parsed.ok) return { ok: true, config: parsed.value };
  const lines = parsed.problems.map((problem) => daemonMessages.badConfig(path, problem.path.join('.'), problem.message));
  return { ok: false, because: 'wrong', lines };
}
