import { existsSync } from 'node:fs';
import { lstat, readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { EnforcerNote, EnforcerState } from '../../../contracts/enforcer.ts';
import { errnoOf } from '../../store/store-error.ts';
import type { Ledger } from '../ledger.ts';
import type { BrowserProcess } from './browser-processes.ts';
import type { BrowserTarget, Running } from './browser-target.ts';
import type { PolicyBrowser } from './browsers.ts';
import { isIntact, type OwnFile, pathOf, placeFile, removeFile } from './own-file.ts';
import { blockableHosts } from './policy-for.ts';
import { describe, note, target, worse } from './status.ts';

const MARK = 'written by deskwarden';
/** Ours has a few hosts. */
const MOST_BYTES = 64 * 1024;

/** Firefox reads `policies` alone; the mark beside it tells ours from everybody else's, even when the ledger is lost. */
const OwnPolicies = z.strictObject({
  deskwarden: z.literal(MARK),
  policies: z.strictObject({ WebsiteFilter: z.strictObject({ Block: z.array(z.string()) }) }),
});

/**
 * Firefox has one policy file, read at its start only: blocked or not, it stays as it was started. A file of somebody else
 * is never touched.
 */
export function firefoxTarget(browser: PolicyBrowser, ledger: Ledger): BrowserTarget {
  const dir = browser.dirs.at(-1) ?? '';
  const file: OwnFile = { dirs: browser.dirs, name: 'policies.json', tempDir: dir };
  let text: string | null = null;
  /** Since when our file has stood as it stands; since boot. */
  let placedMs: number | null = null;
  let found: { state: EnforcerState; notes: EnforcerNote[] } = { state: 'confirmed', notes: [] };
  /** Those that started while blocked, and stay so. */
  let stuck: readonly BrowserProcess[] = [];

  const tell = (state: EnforcerState, one: EnforcerNote) => {
    found = { state: worse(found.state, state), notes: [...found.notes, one] };
  };

  async function close(hosts: readonly string[], bootMs: () => number): Promise<void> {
    const Block = blockableHosts(hosts).map((host) => `*://${host}/*`);
    if (Block.length === 0) return tell('degraded', note('no-host', 'no host of the CCP is known'));
    const owner = await ownerOf(pathOf(file));
    if (owner === 'other') {
      text = null;
      return tell('degraded', note('foreign-policy', `${pathOf(file)} is somebody else’s`));
    }
    const wanted = `${JSON.stringify({ deskwarden: MARK, policies: { WebsiteFilter: { Block } } }, null, 2)}\n`;
    const isOurs = text === null || (await isIntact(file, text));
    if (!isOurs) tell('confirmed', note('changed-by-other', `${pathOf(file)} was put back`));
    if (isOurs && text === wanted) return;
    await placeFile(file, wanted, ledger);
    text = wanted;
    placedMs = bootMs();
  }

  async function open({ processes }: Running): Promise<void> {
    const stands = (await ownerOf(pathOf(file))) === 'us';
    if (stands) await removeFile(file, ledger);
    else await ledger.forget([{ kind: 'file', enforcer: 'browser-policy', path: pathOf(file) }]);
    if (stands || text !== null) {
      const fromMs = placedMs ?? Number.NEGATIVE_INFINITY;
      stuck = (processes ?? []).filter(({ startedMs }) => startedMs >= fromMs);
    }
    text = null;
    placedMs = null;
  }

  return {
    executables: browser.executables,
    isPresent: () => browser.programs.some((path) => existsSync(path)) || existsSync(pathOf(file)),
    async apply({ closed, hosts }, running, bootMs) {
      found = { state: 'confirmed', notes: [] };
      try {
        await (closed ? close(hosts, bootMs) : open(running));
      } catch (error) {
        tell('degraded', note('write-failed', describe(error)));
      }
    },
    judge({ processes }) {
      if (processes === null) {
        return target(browser.target, worse(found.state, 'written'), [...found.notes, note('unreadable', 'the running programs')]);
      }
      stuck = stuck.filter((one) => processes.some(({ pid, startedMs }) => pid === one.pid && startedMs === one.startedMs));
      const since = placedMs;
      const outdated = text === null || since === null ? stuck : processes.filter(({ startedMs }) => startedMs <= since);
      if (outdated.length === 0) return target(browser.target, found.state, found.notes);
      return target(browser.target, worse(found.state, 'degraded'), [...found.notes, note('needs-restart', `${outdated.length} running`)]);
    },
  };
}

async function ownerOf(path: string): Promise<'nobody' | 'us' | 'other'> {
  try {
    const seen = await lstat(path);
    if (!seen.isFile() || seen.size > MOST_BYTES) return 'other';
    const parsed = OwnPolicies.safeParse(JSON.parse(await readFile(path, 'utf8')));
    return parsed.success ? 'us' : 'other';
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return 'nobody';
    if (error instanceof SyntaxError) return 'other';
    throw error;
  }
}
