import type { Plan } from '../../checks/plan.ts';
import type { Snapshot } from '../../contracts/local-api.ts';
import type { Policy } from '../../contracts/policy.ts';

/** What the CCP window opens: the CCP at its present address, or the policy's own page around it. Origins are the CCP's and that page's. */
export function ccpOf({ instance, ccp }: Policy, ccpHosts: readonly string[]): Snapshot['ccp'] {
  const [present] = instance.alias === undefined ? [] : ccpHosts;
  const url = ccp.page ?? (present === undefined ? null : `https://${present}/ccp-v2/`);
  const own = ccp.page === undefined ? [] : [new URL(ccp.page).origin];
  const origins = [...new Set([...ccpHosts.map((host) => `https://${host}`), ...own])];
  return { url, origins: origins.slice(0, 20), loginOrigins: ccp.loginOrigins };
}

/** TURN servers of the plan, for the page that looks whether WebRTC reaches them. */
export function turnOf({ endpoints }: Plan): Snapshot['session']['turn'] {
  return endpoints
    .filter(({ turn }) => turn !== undefined)
    .map(({ host, port }) => ({ host, port }))
    .slice(0, 20);
}
