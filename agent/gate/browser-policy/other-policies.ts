import { constants } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { z } from 'zod';
import type { EnforcerNote, EnforcerState } from '../../../contracts/enforcer.ts';
import { errnoOf } from '../../store/store-error.ts';
import { allowsHost, type CarriedLists } from './policy-for.ts';
import { describe, note, worse } from './status.ts';

const MOST_FILES = 200;
const MOST_BYTES = 1024 * 1024;

export interface OtherPolicies {
  carried: CarriedLists;
  /** The best that can be said of ours beside the others. */
  state: EnforcerState;
  notes: EnforcerNote[];
}

/** Chromium ignores a list that is none, and reads on over items that are no strings. */
const List = z
  .array(z.unknown())
  .transform((items) => items.filter((item) => typeof item === 'string'))
  .optional()
  .catch(undefined);

const PolicyFile = z.object({
  URLBlocklist: List,
  URLAllowlist: List,
  CookiesBlockedForUrls: List,
  PolicyListMultipleSourceMergeList: List,
  CloudPolicyOverridesPlatformPolicy: z.boolean().optional().catch(undefined),
});
type PolicyFile = z.infer<typeof PolicyFile> & { name: string };

/**
 * What the other files of a managed directory do to ours. Chromium reads each of them whatever its name ends in, and takes
 * a list whole from the last file that has it, so what ours would replace is carried over into it. An URLAllowlist opens
 * what ours blocks from any file; one that a later file replaces is told all the same.
 */
export async function scanOthers(dir: string, ownName: string, hosts: readonly string[]): Promise<OtherPolicies> {
  const notes: EnforcerNote[] = [];
  let state: EnforcerState = 'confirmed';
  const tell = (worst: EnforcerState, one: EnforcerNote) => {
    state = worse(state, worst);
    notes.push(one);
  };
  const files = await readOthers(dir, ownName, (detail) => tell('degraded', note('unreadable', detail)));

  const merged = files.findLast((file) => file.PolicyListMultipleSourceMergeList)?.PolicyListMultipleSourceMergeList ?? [];
  for (const file of files) {
    const entry = file.URLAllowlist?.find((one) => hosts.some((host) => allowsHost(one, host)));
    if (entry !== undefined) tell('conflict', note('foreign-allowlist', `${dir}/${file.name}: ${entry}`));
    if (file.CloudPolicyOverridesPlatformPolicy) {
      tell('written', note('foreign-policy', `${dir}/${file.name}: policies of the cloud may override this computer's`));
    }
    if (file.name < ownName) continue;
    if (file.URLBlocklist && !merged.includes('URLBlocklist')) tell('conflict', note('later-file', `${dir}/${file.name}: URLBlocklist`));
    if (file.CookiesBlockedForUrls && !merged.includes('CookiesBlockedForUrls')) {
      tell('degraded', note('later-file', `${dir}/${file.name}: CookiesBlockedForUrls`));
    }
  }
  const earlier = files.filter((file) => file.name < ownName);
  return {
    carried: {
      URLBlocklist: earlier.findLast((file) => file.URLBlocklist)?.URLBlocklist ?? [],
      CookiesBlockedForUrls: earlier.findLast((file) => file.CookiesBlockedForUrls)?.CookiesBlockedForUrls ?? [],
    },
    state,
    notes,
  };
}

/** In Chromium's order: by the bytes of their names. */
async function readOthers(dir: string, ownName: string, unreadable: (detail: string) => void): Promise<PolicyFile[]> {
  let names: string[];
  try {
    // One character for each byte, so that comparing strings compares bytes.
    names = (await readdir(dir, { encoding: 'latin1' })).filter((name) => name !== ownName).sort();
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') unreadable(describe(error));
    return [];
  }
  if (names.length > MOST_FILES) unreadable(`${dir}: ${names.length} files, looked at ${MOST_FILES}`);
  const files: PolicyFile[] = [];
  for (const name of names.slice(0, MOST_FILES)) {
    const text = await readBounded(`${dir}/${name}`).catch((error) => {
      if (errnoOf(error) !== 'ENOENT') unreadable(describe(error));
      return null;
    });
    const file = text === null ? null : PolicyFile.safeParse(parseLikeChromium(text));
    // Chromium ignores the whole of a file that it cannot parse.
    if (file?.success) files.push({ ...file.data, name });
  }
  return files;
}

/** Null for what is no file. Follows a symbolic link, as Chromium does. */
async function readBounded(path: string): Promise<string | null> {
  // O_NONBLOCK: a pipe must not hang us.
  const handle = await open(Buffer.from(path, 'latin1'), constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) return null;
    if (stats.size > MOST_BYTES) throw new Error(`${path}: ${stats.size} bytes, at most ${MOST_BYTES} are looked at`);
    return (await handle.readFile()).toString('utf8');
  } finally {
    await handle.close();
  }
}

/**
 * It takes comments, commas before a closing bracket, and a byte order mark; measured with Chromium 156. No alternative
 * can fail once it has begun, so that no text makes these go back over what they have read.
 */
function parseLikeChromium(text: string): unknown {
  const plain = text
    .replace(/^\uFEFF/, '')
    .replace(/("(?:\\[\s\S]?|[^"\\])*"?)|\/\/[^\n\r]*|\/\*[\s\S]*?(?:\*\/|$)/g, '$1')
    .replace(/("(?:\\[\s\S]?|[^"\\])*"?)|,(?=\s*[}\]])/g, '$1');
  try {
    return JSON.parse(plain);
  } catch {
    return null;
  }
}
