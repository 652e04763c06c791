import type { CcpPorts } from './ccp-ports.ts';

/** A page that falls over again so soon after it was opened anew is not offered again. */
const CRASHED_AGAIN_MS = 60_000;

/** Asks once, after its page fell over, whether the CCP is to be opened again. */
export function createReloadOffer(
  { offerReload, monotonicMs }: Pick<CcpPorts, 'offerReload' | 'monotonicMs'>,
  onAnswered: (isAccepted: boolean) => void,
) {
  let asking: AbortController | null = null;
  let reopenedMs = Number.NEGATIVE_INFINITY;
  return {
    isAsking: () => asking !== null,
    /** One that falls over again at once would only do it again. */
    mayAsk: () => monotonicMs() - reopenedMs >= CRASHED_AGAIN_MS,
    ask() {
      const asked = new AbortController();
      asking = asked;
      const answered = (isAccepted: boolean) => {
        if (asking !== asked) return;
        asking = null;
        if (isAccepted) reopenedMs = monotonicMs();
        onAnswered(isAccepted);
      };
      void offerReload(asked.signal).then(answered, () => answered(false));
    },
    /** There is nothing to ask any more; the question goes away, and an answer that comes all the same says nothing. */
    cancel() {
      asking?.abort();
      asking = null;
    },
  };
}
