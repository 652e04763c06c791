import { createCcpWindow } from '../../../../main/ccp/ccp-window.ts';
import { gate, view } from '../view.ts';
import { fakeWindows } from './fake-windows.ts';

export const opened = () => view({});
export const closed = (reason: 'blocked' | 'critical' | 'drain-expired' | 'undetermined' = 'blocked') =>
  view({ gate: gate('closed', { reason }) });
export const draining = () => view({ gate: gate('draining') });

/** `isLoaded`: the page that it opened is there. */
export function atWork(first = opened(), isLoaded = true) {
  const fake = fakeWindows();
  const window = createCcpWindow(fake.ports);
  window.follow(first);
  window.open();
  if (isLoaded) fake.ccp()?.events?.onLoaded();
  fake.did();
  return { ...fake, window };
}
