import { expect, it } from 'vitest';
import { textsFor } from '../../../checks/texts/lookup.ts';
import { bannerLines, blockedLead, loadWords } from '../../../renderer/ccp-words.ts';
import { gate, observing, snapshot, view } from '../main/view.ts';

const { policy } = snapshot();
const closing = { policy: { ...policy, gate: { onAgentLoss: 'closed' as const, maxDrainMs: 60_000 } } };

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
  // A drain that nobody ends any more is no word to give.
  ['draining, and the daemon is lost', view({ gate: gate('draining') }, { link: 'reconnecting' }), ['ccp.banner.lost']],
  ['observed, and the daemon is lost', view({ gate: observing('closed') }, { link: 'reconnecting' }), ['ccp.banner.lost']],
  [
    'closed, held up by the call in it, and the daemon is lost',
    view({ gate: gate('closed') }, { link: 'absent' }),
    ['ccp.banner.draining'],
  ],
  ['closes for want of a daemon', view(closing, { link: 'absent' }), ['ccp.banner.lost.closing']],
  ['closes for a stranger', view(closing, { link: 'not-the-daemon' }), ['ccp.banner.lost.closing']],
  ['may close for want of a daemon', view({ ...closing, gate: gate('draining') }, { link: 'reconnecting' }), ['ccp.banner.lost']],
  ['observes, for want of a daemon', view({ ...closing, gate: observing('closed') }, { link: 'absent' }), ['ccp.banner.lost']],
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
  ['a lost daemon', view({ ...closing, gate: gate('closed') }, { link: 'absent' }), 'ccp.blocked.lost'],
  ['… whose absence opens', view({ gate: gate('closed') }, { link: 'reconnecting' }), 'ccp.blocked.lost.opens'],
  ['… whose absence has opened', view({ gate: gate('closed') }, { link: 'absent' }), 'ccp.blocked.opening'],
  ['nothing was ever said', view(null, { link: 'absent' }), 'ccp.blocked.lost'],
  ['a stranger', view({}, { link: 'not-the-daemon' }), 'ccp.blocked.lost'],
])('the blocked page: %s', (_, given, lead) => {
  expect(blockedLead(given)).toBe(lead);
});

it.each([
  [
    'a failure',
    { kind: 'cannot-load', host: 'acme.my.connect.aws', error: 'ERR_CONNECTION_REFUSED' },
    ['acme.my.connect.aws', 'ERR_CONNECTION_REFUSED', 'keeps trying'],
  ],
  ['silence', { kind: 'cannot-load', host: 'acme.my.connect.aws', error: null }, ['acme.my.connect.aws', '15 seconds', 'keeps trying']],
  ['a sign-in', { kind: 'not-in-policy', host: 'idp.example.net' }, ['idp.example.net', 'ccp.loginOrigins']],
] as const)('in place of a CCP that is not there, what is in the way is named: %s', (_, trouble, named) => {
  const { ui } = textsFor('en');
  const { says, forIt, args } = loadWords(trouble);
  const all = [...says, forIt].map((key) => ui(key, args)).join('\n');
  for (const name of named) expect(all).toContain(name);
  expect(all).not.toMatch(/[{}]/);
});
