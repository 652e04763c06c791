import type { CcpPorts } from './ccp-ports.ts';

/** The daemon takes a word of activity for 15 s: three chances. */
export const REPORT_EVERY_MS = 5_000;
/** Between the ring and the voice, and while a connection is made anew, nothing plays for a moment. */
export const MEDIA_SETTLES_MS = 3_000;

/** What the window itself hears of a contact, and what of it the daemon is told. */
export function createOwnCall({ after, monotonicMs, reportActivity }: Pick<CcpPorts, 'after' | 'monotonicMs' | 'reportActivity'>) {
  let isPlaying = false;
  /** When that last changed. */
  let changedMs = Number.NEGATIVE_INFINITY;
  let reported: 'on-call' | 'unknown' | null = null;
  let stopReporting = () => {};

  const isLive = () => isPlaying || monotonicMs() - changedMs < MEDIA_SETTLES_MS;

  const say = (isThere: boolean) => {
    // What is not heard here may be a chat, a desk phone or another window: that is no proof of no call.
    const says = isLive() ? 'on-call' : 'unknown';
    reported = says;
    stopReporting();
    reportActivity(says);
    stopReporting = isThere ? after(REPORT_EVERY_MS, () => say(true)) : () => {};
  };

  return {
    isLive,
    /** True when it is news. */
    plays(is: boolean): boolean {
      if (is === isPlaying) return false;
      isPlaying = is;
      changedMs = monotonicMs();
      return true;
    },
    /** When silence will have lasted; null while something plays, and when it has. */
    settlesInMs: () => (!isPlaying && isLive() ? changedMs + MEDIA_SETTLES_MS - monotonicMs() : null),
    wasSilentSince: (ms: number) => !isPlaying && changedMs < ms,
    /** Its window is gone. */
    end() {
      isPlaying = false;
      changedMs = Number.NEGATIVE_INFINITY;
    },
    report(isThere: boolean) {
      const says = isLive() ? 'on-call' : 'unknown';
      if (says !== reported && (reported !== null || isThere)) say(isThere);
    },
    stop: () => stopReporting(),
  };
}
