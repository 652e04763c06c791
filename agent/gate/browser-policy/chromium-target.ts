import { existsSync } from 'node:fs';
import type { EnforcerNote, EnforcerState } from '../../../contracts/enforcer.ts';
import type { Ledger } from '../ledger.ts';
import type { BrowserTarget, Running } from './browser-target.ts';
import type { PolicyBrowser } from './browsers.ts';
import { scanOthers } from './other-policies.ts';
import { isIntact, type OwnFile, placeFile, removeFile } from './own-file.ts';
import { blockableHosts, policyFor } from './policy-for.ts';
import { areSettling, isRenameDue, SETTLED_MS } from './rename-due.ts';
import { describe, note, target, worse } from './status.ts';

/** Sorts after what others write: the last file wins. */
const FILE_NAME = 'zz-deskwarden.json';

/** A browser of the Chromium family. It reads our file at its start, and again within some 100 ms of every change of it. */
export function chromiumTarget(browser: PolicyBrowser, ledger: Ledger): BrowserTarget {
  const policiesDir = browser.dirs.at(-1) ?? '';
  const file: OwnFile = { dirs: browser.dirs, name: FILE_NAME, tempDir: browser.dirs.at(-2) ?? '' };
  /** What stands in our file; null when we put none there. */
  let text: string | null = null;
  /** Since when what holds now has held without a break: processes that started later began with it. */
  let changedMs = Number.NEGATIVE_INFINITY;
  let renamedMs = Number.NEGATIVE_INFINITY;
  let found: { state: EnforcerState; notes: EnforcerNote[] } = { state: 'confirmed', notes: [] };

  const tell = (state: EnforcerState, one: EnforcerNote) => {
    found = { state: worse(found.state, state), notes: [...found.notes, one] };
  };

  async function close(hosts: readonly string[], { processes, nowMs }: Running, bootMs: () => number): Promise<void> {
    const others = await scanOthers(policiesDir, FILE_NAME, blockableHosts(hosts));
    found = others;
    const policy = policyFor(hosts, others.carried);
    // What stands of an earlier order goes on standing.
    if (policy === null) return tell('degraded', note('no-host', 'no host of the CCP is known'));
    const wanted = `${JSON.stringify(policy, null, 2)}\n`;
    try {
      const isOurs = text === null || (await isIntact(file, text));
      if (!isOurs) tell('confirmed', note('changed-by-other', `${policiesDir}/${FILE_NAME} was put back`));
      const isChange = text !== wanted || !isOurs;
      if (isChange || isRenameDue(processes ?? [], renamedMs, nowMs)) {
        await placeFile(file, wanted, ledger);
        text = wanted;
        renamedMs = bootMs();
        if (isChange) changedMs = renamedMs;
      }
    } catch (error) {
      tell('degraded', note('write-failed', describe(error)));
    }
    // Whatever started beside a conflict, or before it was gone, did not begin with our policy.
    if (found.state === 'conflict' || found.state === 'degraded') changedMs = bootMs();
  }

  async function open({ processes, nowMs }: Running, bootMs: () => number): Promise<void> {
    found = { state: 'confirmed', notes: [] };
    try {
      const wasThere = await removeFile(file, ledger);
      if (wasThere || text !== null) {
        changedMs = bootMs();
        renamedMs = changedMs;
      }
      text = null;
      const missed = unsettled(processes ?? []);
      if (missed.length === 0 || !isRenameDue(missed, renamedMs, nowMs)) return;
      // A browser that missed the removal would stay shut: a file that says nothing comes and goes, so that it looks again.
      await placeFile(file, '{}\n', ledger);
      await removeFile(file, ledger);
      renamedMs = bootMs();
    } catch (error) {
      tell('degraded', note('write-failed', describe(error)));
    }
  }

  /** Those that were starting when the policy changed, and may not have seen it. */
  function unsettled(processes: NonNullable<Running['processes']>): NonNullable<Running['processes']> {
    return processes.filter(
      ({ startedMs }) => startedMs <= changedMs && changedMs < startedMs + SETTLED_MS && renamedMs < startedMs + SETTLED_MS,
    );
  }

  return {
    executables: browser.executables,
    isPresent: () => existsSync(policiesDir) || browser.programs.some((path) => existsSync(path)),
    apply: ({ closed, hosts }, running, bootMs) => (closed ? close(hosts, running, bootMs) : open(running, bootMs)),
    judge({ processes }) {
      const isClosed = text !== null;
      if (processes === null) {
        return target(browser.target, worse(found.state, 'written'), [...found.notes, note('unreadable', 'the running programs')]);
      }
      const before = processes.filter(({ startedMs }) => startedMs <= changedMs);
      const settling = isClosed ? areSettling(before, renamedMs) : unsettled(before).length > 0;
      // That a running browser has read a change is shown by nothing; that a removal has, is not asked for ever.
      const state = settling || (isClosed && before.length > 0) ? worse(found.state, 'written') : found.state;
      return target(browser.target, state, settling ? [...found.notes, note('settling', `${before.length} running`)] : found.notes);
    },
  };
}
