import { z } from 'zod';
import type { Finding } from '../../contracts/finding.ts';

/** What is needed of the evidence of `network.turn-udp`, whichever revision of it. */
const Evidence = z.object({ targets: z.array(z.object({ host: z.string(), allocate: z.number().nullable() })) });

/** TURN hosts that a finding saw answer an Allocate: their silence is a block from then on. None for findings of other checks. */
export function answeringTurnHosts({ check, evidence }: Pick<Finding, 'check' | 'evidence'>): string[] {
  const seen = check === 'network.turn-udp' ? Evidence.safeParse(evidence) : null;
  return seen?.success ? [...new Set(seen.data.targets.filter((target) => target.allocate !== null).map((target) => target.host))] : [];
}
