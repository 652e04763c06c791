/** One headset is several devices, and its drivers bring them one by one. */
const SETTLE_MS = 1_000;
/** A loose plug has the microphone opened no more often. */
const EVERY_MS = 15_000;

export interface HearDevices {
  /** Whatever changes now is our own look's doing: another look would change it again, and so on for ever. */
  isOurs(): boolean;
  look(): void;
  monotonicMs(): number;
}

/** Looks once the devices have settled, and at last at how they were left. */
export function hearDevices({ isOurs, look, monotonicMs }: HearDevices): { changed(): void; stop(): void } {
  let timer: NodeJS.Timeout | undefined;
  let lookedMs = Number.NEGATIVE_INFINITY;
  return {
    changed() {
      if (isOurs()) return;
      clearTimeout(timer);
      const nowMs = monotonicMs();
      timer = setTimeout(
        () => {
          lookedMs = monotonicMs();
          look();
        },
        Math.max(SETTLE_MS, lookedMs + EVERY_MS - nowMs),
      );
    },
    stop: () => clearTimeout(timer),
  };
}
