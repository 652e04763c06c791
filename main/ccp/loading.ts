import type { CcpTrouble } from '../../contracts/ipc.ts';
import type { CcpPorts } from './ccp-ports.ts';

/** One failure after the other: the network may be back only a moment after the gate opened. The last goes on for ever. */
export const LOAD_AGAIN_MS = [1_000, 2_000, 5_000, 10_000] as const;
/** What leads out of the policy will most likely do so again. A policy that changes is tried at once. */
export const REFUSED_AGAIN_MS = 60_000;
/** An answer takes longer than that where packets are dropped, which Chromium tells only after minutes. */
export const SILENT_LOAD_MS = 15_000;

/** ERR_ABORTED: another navigation took its place, or our rules ended it, which is told apart. */
const ABORTED = -3;
/** ERR_BLOCKED_BY_CLIENT: our own rules refused it. */
const BLOCKED_BY_CLIENT = -20;

export interface LoadFailure {
  code: number;
  /** As `code`, in Chromium's words. */
  error: string;
  url: string;
}

interface LoadingPorts extends Pick<CcpPorts, 'after'> {
  url: string;
  load(url: string): void;
  /** Then the page stays as it is. */
  isOnCall(): boolean;
  onChange(): void;
}

export type Loading = ReturnType<typeof startLoading>;

/** Of one window, whose first load has begun: tries again until its page is there, and tells what is in the way. */
export function startLoading({ url, load, isOnCall, after, onChange }: LoadingPorts) {
  let trouble: CcpTrouble | null = null;
  let failures = 0;
  /** What is shown is a page of the CCP's or its sign-in's, and not nothing. */
  let hasPage = false;
  let stopWaiting = () => {};

  const setTrouble = (next: CcpTrouble | null) => {
    if (JSON.stringify(next) === JSON.stringify(trouble)) return;
    trouble = next;
    onChange();
  };

  const waitForAnswer = () => {
    stopWaiting();
    stopWaiting = after(SILENT_LOAD_MS, () => setTrouble(trouble ?? { kind: 'cannot-load', host: hostOf(url), error: null }));
  };

  const loadNow = () => {
    load(url);
    waitForAnswer();
  };

  const loadIn = (ms: number) => {
    stopWaiting();
    // A pop-up of it may talk though the page itself is gone.
    stopWaiting = after(ms, () => (isOnCall() ? loadIn(ms) : loadNow()));
  };

  const refused = (refusedUrl: string) => {
    hasPage = false;
    failures += 1;
    loadIn(REFUSED_AGAIN_MS);
    setTrouble({ kind: 'not-in-policy', host: hostOf(refusedUrl) });
  };

  waitForAnswer();
  return {
    trouble: () => trouble,
    /** The page, or one of a sign-in, is there. */
    loaded() {
      hasPage = true;
      failures = 0;
      stopWaiting();
      setTrouble(null);
    },
    failed({ code, error, url: failedUrl }: LoadFailure) {
      if (code === ABORTED) return;
      if (code === BLOCKED_BY_CLIENT) return refused(failedUrl);
      hasPage = false;
      loadIn(LOAD_AGAIN_MS[Math.min(failures, LOAD_AGAIN_MS.length - 1)] ?? 0);
      failures += 1;
      // The first is often that of a network that comes back just now: nobody needs to see a page for a second.
      if (failures > 1) setTrouble({ kind: 'cannot-load', host: hostOf(failedUrl), error: error.slice(0, 100) });
    },
    /** Our rules kept it from going there. A page that stands has only failed to lead away from itself. */
    refused: (refusedUrl: string) => hasPage || refused(refusedUrl),
    /** Its user asks for it, or the policy names other places: what was waited for is tried now. */
    again() {
      if (hasPage || failures === 0 || isOnCall()) return;
      failures = 0;
      loadNow();
    },
    stop: () => stopWaiting(),
  };
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host.slice(0, 300) : '';
}
