import { expect, it } from 'vitest';
import { createWindowEnforcer } from '../../../../agent/gate/window.ts';

const scope = { ccpHosts: [], transportHosts: [], mediaPrefixes: [], sharedPrefixes: [] };
const order = (closed: boolean, ...agentUids: number[]) => ({ closed, scope, agentUids });

it('where there is no window there is nothing to close', async () => {
  const window = createWindowEnforcer();
  expect(await window.hold(order(true, 1_000))).toEqual({ enforcer: 'window', wanted: 'closed', state: 'confirmed', targets: [] });
});

it('a window that has not closed is told as such, until it says that it has', async () => {
  const window = createWindowEnforcer();
  window.acknowledge(1_000, 'banner');
  expect(await window.hold(order(true, 1_000))).toMatchObject({
    state: 'degraded',
    targets: [{ target: 'user-1000', notes: [{ code: 'not-acknowledged', detail: 'user 1000: banner' }] }],
  });
  window.acknowledge(1_000, 'closed');
  // Its word is no proof.
  expect(await window.hold(order(true, 1_000))).toMatchObject({ state: 'written', targets: [{ notes: [] }] });
  expect(await window.hold(order(false, 1_000))).toMatchObject({ wanted: 'open', state: 'degraded' });
});

it('forgets a user who has left', async () => {
  const window = createWindowEnforcer();
  window.acknowledge(1_000, 'open');
  await window.hold(order(true, 1_001));
  expect((await window.hold(order(true, 1_000, 1_001))).targets).toEqual([]);
});
