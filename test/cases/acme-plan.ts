import type { z } from 'zod';
import { bundledAllowlist } from '../../checks/allowlist/bundled.ts';
import { makePlan, type Plan } from '../../checks/plan.ts';
import { Features, Instance } from '../../contracts/instance.ts';
import { NetworkSettings } from '../../contracts/policy.ts';

interface Overrides {
  instance?: Partial<z.input<typeof Instance>>;
  features?: z.input<typeof Features>;
  network?: z.input<typeof NetworkSettings>;
}

/** The plan of instance acme in us-west-2 by the bundled allowlist. */
export function acmePlan({ instance = {}, features = {}, network = {} }: Overrides = {}): Plan {
  return makePlan(
    {
      instance: Instance.parse({ alias: 'acme', region: 'us-west-2', ...instance }),
      features: Features.parse(features),
      network: NetworkSettings.parse(network),
    },
    bundledAllowlist,
  );
}
