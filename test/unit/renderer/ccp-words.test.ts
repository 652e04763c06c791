import { expect, it } from 'vitest';
import { bannerLines, blockedLead } from '../../../renderer/ccp-words.ts';
import { gate, observing, view } from '../main/view.ts';

it.each([
  ['nothing is known', null, []],
  ['before the first snapshot', view(null), []],
  ['draining', view({ gate: gate('draining') }), ['ccp.banner.draining']],
  ['closed, and held up by the call in it', view({ gate: gate('closed') }), ['ccp.banner.draining']],
  ['open', view(), []],
  ['observed, would drain', view({ gate: observing('draining') }), ['ccp.banner.would.draining', 'ccp.banner.observe']],
  ['observed, would be closed', view({ gate: observing('closed') }), ['ccp.banner.would.closed', 'ccp.banner.observe']],
  ['observed, would be open', view({ gate: observing('open') }), []],
  [
    'not enrolled, would be closed',
    view({ gate: { ...observing('closed'), notActingBecause: 'not-enrolled' } }),
    ['ccp.banner.would.closed'],
  ],
])('the banner: %s', (_, given, lines) => {
  expect(bannerLines(given)).toEqual(lines);
});

it.each([
  ['blocked', view({ gate: gate('closed') }), 'ccp.blocked.more'],
  ['critical', view({ gate: gate('closed', { reason: 'critical' }) }), 'ccp.blocked.more'],
  ['a drain that is used up', view({ gate: gate('closed', { reason: 'drain-expired' }) }), 'ccp.blocked.expired'],
  ['undetermined', view({ gate: gate('closed', { reason: 'undetermined' }) }), 'ccp.blocked.undetermined'],
  ['its grace', view({ gate: gate('closed', { reason: 'undetermined-grace' }) }), 'ccp.blocked.undetermined'],
  ['open again', view(), 'ccp.blocked.opening'],
  ['only observed', view({ gate: observing('closed') }), 'ccp.blocked.opening'],
  ['a lost daemon', view({ gate: gate('closed') }, { link: 'reconnecting' }), 'ccp.blocked.lost'],
  ['a stranger', view({}, { link: 'not-the-daemon' }), 'ccp.blocked.lost'],
])('the blocked page: %s', (_, given, lead) => {
  expect(blockedLead(given)).toBe(lead);
});
