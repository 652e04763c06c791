import { expect, it } from 'vitest';
import { deepLinkOf, readDeepLink } from '../../../main/deep-link.ts';
import { START_HIDDEN, startRules } from '../../../main/start-rules.ts';

it.each<[string, unknown]>([
  ['deskwarden://open', { kind: 'open' }],
  ['deskwarden://open/', { kind: 'open' }],
  ['deskwarden://recheck', { kind: 'recheck' }],
  ['deskwarden://ccp', { kind: 'ccp' }],
  ['deskwarden://check/network.turn-udp', { kind: 'check', check: 'network.turn-udp' }],
  ['deskwarden://check/network.turn-udp/', { kind: 'check', check: 'network.turn-udp' }],
  ['deskwarden://check/', null],
  ['deskwarden://check/network', null],
  ['deskwarden://check/network.dns/../../release', null],
  ['deskwarden://check/network.dns?force=1', null],
  ['deskwarden://release', null],
  ['deskwarden://quit', null],
  ['deskwarden://constructor', null],
  ['deskwarden://OPEN', null],
  ['DESKWARDEN://open', null],
  ['deskwarden:open', null],
  ['deskwarden://user@open', null],
  ['deskwarden://open#x', null],
  [' deskwarden://open', null],
  ['deskwarden://open\n', null],
  ['https://example.com/?deskwarden://open', null],
  [`deskwarden://check/network.${'a'.repeat(200)}`, null],
  ['', null],
])('%j asks for %j', (text, link) => {
  expect(readDeepLink(text)).toEqual(link);
});

it('is an argument of its own', () => {
  expect(deepLinkOf(['/opt/deskwarden', '--url=deskwarden://recheck', 'deskwarden://ccp', 'deskwarden://open'])).toEqual({ kind: 'ccp' });
  expect(deepLinkOf(['/opt/deskwarden', '--hidden'])).toBeNull();
});

const start = { platform: 'win32' as const, isPackaged: true, startsAtLogin: false, argv: ['app'], wasOpenedAtLogin: false };

it.each<[string, Partial<Parameters<typeof startRules>[0]>, Partial<ReturnType<typeof startRules>>]>([
  ['asks for its start at login once', {}, { setsLoginItem: true, setsLinkHandler: true, showsWindow: true }],
  ['and then no more, whatever the user did since', { startsAtLogin: true }, { setsLoginItem: false }],
  ['leaves both to the package on Linux', { platform: 'linux' }, { setsLoginItem: false, setsLinkHandler: false, menu: null }],
  ['does nothing to the system from a clone', { isPackaged: false }, { setsLoginItem: false, setsLinkHandler: false }],
  ['shows no window at login', { argv: ['app', START_HIDDEN] }, { showsWindow: false }],
  ['nor where macOS says so', { platform: 'darwin', wasOpenedAtLogin: true }, { showsWindow: false }],
  ['nor beside what a link asks for', { argv: ['app', 'deskwarden://ccp'] }, { showsWindow: false }],
])('the app %s', (_name, change, rules) => {
  expect(startRules({ ...start, ...change })).toMatchObject(rules);
});

it('has no menu that opens developer tools', () => {
  for (const platform of ['win32', 'darwin', 'linux'] as const) {
    const roles = (startRules({ ...start, platform }).menu ?? []).map(({ role }) => role);
    expect(roles).toEqual(platform === 'darwin' ? ['appMenu', 'editMenu', 'windowMenu'] : []);
  }
});
