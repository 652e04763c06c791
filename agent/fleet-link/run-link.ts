import type { FleetLink } from './fleet-link.ts';

/** How soon the daemon sees an enrolment that the command line has made. */
const LOOK_EVERY_MS = 5_000;
/** After a step that could not be completed, so that no fault makes a busy loop. */
const SHORTEST_MS = 500;

export interface RunningLink {
  /** Takes the next step now, or right after the one under way. */
  hurry(): void;
  /** Resolves when nothing is under way any more. */
  stop(): Promise<void>;
}

/** Takes a link's steps when they are due, one at a time. */
export function runLink(link: FleetLink): RunningLink {
  let stopped = false;
  let hurried = false;
  let wake: () => void = () => {};

  function rest(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async function run(): Promise<void> {
    while (!stopped) {
      hurried = false;
      await link.step();
      if (stopped || hurried) continue;
      await rest(Math.min(LOOK_EVERY_MS, Math.max(SHORTEST_MS, link.waitMs())));
    }
  }

  const running = run();
  return {
    hurry() {
      link.hurry();
      hurried = true;
      wake();
    },
    async stop() {
      stopped = true;
      wake();
      await link.stop();
      await running;
    },
  };
}
