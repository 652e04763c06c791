import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { locales } from '../../../../checks/texts/locale.ts';
import { textsFor } from '../../../../checks/texts/lookup.ts';
import { CheckId, RuleId } from '../../../../contracts/finding.ts';
import { DaemonLink, type DeskView } from '../../../../contracts/ipc.ts';
import { iconParts } from '../../../../main/tray/tray-icon.ts';
import { type MenuItem, trayModel } from '../../../../main/tray/tray-model.ts';
import { at, cause, gate, NOW, observing, snapshot, verdict, view } from '../view.ts';

const en = textsFor('en');
const modelOf = (given: DeskView) => trayModel(given, en, NOW);
const blocks = verdict('blocked', { causes: [cause('network.turn-udp'), cause('tls.handshake')] });
const soon = verdict('caution', { causes: [cause('network.turn-udp', { blocksAt: at(5) })], blocksAt: at(5) });
const unreachable = { kind: 'cannot-load', host: 'acme.my.connect.aws', error: null } as const;
const fleet = (state: 'not-enrolled' | 'pending' | 'revoked') => ({ ...snapshot().fleet, state });

/** Lines above the first separator. */
function saidIn(given: DeskView): string[] {
  const { menu } = modelOf(given);
  return menu.slice(0, menu.indexOf('separator')).map((item) => (item === 'separator' ? '' : item.label));
}

function itemOf(given: DeskView, id: string): MenuItem | undefined {
  return modelOf(given).menu.find((item): item is MenuItem => item !== 'separator' && item.id === id);
}

describe('the tray', () => {
  it.each([
    ['clear', view(), 'clear', 0, ['You can take calls']],
    ['caution', view({ verdict: verdict('caution') }), 'caution', 0, ['You can take calls']],
    ['a panel that cannot be shown', view({}, { ccpTrouble: unreachable }), 'caution', 0, ['The Contact Control Panel can’t be shown']],
    ['a block ahead', view({ verdict: soon }), 'caution', 0, [expect.stringMatching(/^You can take calls until /), 'Calls stop in 5 min']],
    [
      'a block ahead that would be',
      view({ verdict: soon, gate: observing('open') }),
      'caution',
      0,
      [expect.anything(), 'Calls would stop in 5 min', 'IT is only watching for now: nothing is closed'],
    ],
    [
      'blocked',
      view({ verdict: blocks, gate: gate('closed') }),
      'blocked',
      2,
      ['You can’t take calls right now', 'In the way of calls: 2'],
    ],
    ['draining', view({ verdict: blocks, gate: gate('draining') }), 'caution', 2, ['Finish your call', 'In the way of calls: 2']],
    [
      'blocked, only observed',
      view({ verdict: blocks, gate: observing('closed') }),
      'caution',
      2,
      ['You may take calls, but they may not work', 'In the way of calls: 2', 'IT is only watching for now: nothing is closed'],
    ],
    [
      'released',
      view({ verdict: blocks, releasedUntil: at(30) }),
      'caution',
      2,
      [
        expect.stringMatching(/^You may take calls until /),
        'In the way of calls: 2',
        expect.stringMatching(/^IT keeps the Contact .* until /),
      ],
    ],
    ['undetermined', view({ verdict: verdict('undetermined') }), 'undetermined', 0, ['You may take calls for now']],
    ['too old a verdict', view({ verdict: verdict('clear', { validUntil: at(-1) }) }), 'undetermined', 0, ['You may take calls for now']],
    [
      'closed for want of an answer',
      view({
        verdict: verdict('undetermined', { undetermined: [RuleId.parse('network.dns')] }),
        gate: gate('closed', { reason: 'undetermined' }),
      }),
      'blocked',
      1,
      ['You can’t take calls right now', 'In the way of calls: 1'],
    ],
    ['a first look', view({ verdict: null }), 'undetermined', 0, ['Having a first look']],
    ['not enrolled', view({ verdict: null, fleet: fleet('not-enrolled') }), 'undetermined', 0, ['Not set up yet']],
    [
      'no daemon',
      view({ verdict: blocks, gate: gate('closed'), releasedUntil: at(9) }, { link: 'absent' }),
      'no-daemon',
      0,
      ['Deskwarden is not running here'],
    ],
    [
      'a stranger',
      view({ verdict: blocks, gate: gate('closed') }, { link: 'not-the-daemon' }),
      'not-the-daemon',
      0,
      ['This answer can’t be trusted'],
    ],
    ['the first seconds', view(null, { link: 'connecting' }), 'undetermined', 0, ['One moment']],
    [
      'a daemon that restarts',
      view({}, { link: 'reconnecting' }),
      'clear',
      0,
      ['You can take calls', expect.stringMatching(/^As of .*; looking for the service again$/)],
    ],
  ])('%s', (_, given, icon, badge, said) => {
    const model = modelOf(given);
    expect([model.icon, model.badge]).toEqual([icon, badge]);
    expect(saidIn(given)).toEqual(said);
    expect(model.tooltip).toBe(badge === 0 ? `Deskwarden: ${saidIn(given)[0]}` : `Deskwarden: ${saidIn(given)[0]} (${badge})`);
  });

  it('counts a block that its root cause only explains', () => {
    const explained = verdict('blocked', {
      causes: [cause('network.captive-portal', { enforcement: 'warn', explains: [RuleId.parse('x')] })],
    });
    expect(modelOf(view({ verdict: explained, gate: gate('closed') })).badge).toBe(1);
  });

  it('does not count what will block, nor what only warns', () => {
    const mixed = verdict('blocked', {
      causes: [cause('tls.a'), cause('tls.b', { blocksAt: at(5) }), cause('tls.c', { enforcement: 'warn' })],
    });
    expect(modelOf(view({ verdict: mixed, gate: gate('closed') })).badge).toBe(1);
  });
});

describe('its menu', () => {
  it('checks again, and not while a check runs or nobody is there to do it', () => {
    expect(itemOf(view(), 'recheck')).toMatchObject({ label: 'Check again now', enabled: true });
    expect(itemOf(view({}, { looking: [CheckId.parse('tls.handshake')] }), 'recheck')).toMatchObject({
      label: 'Checking…',
      enabled: false,
    });
    for (const link of ['absent', 'reconnecting', 'connecting', 'not-the-daemon'] as const) {
      expect(itemOf(view({}, { link }), 'recheck')?.enabled).toBe(false);
      expect(itemOf(view({}, { link }), 'save-bundle')?.enabled).toBe(false);
    }
  });

  it('opens the CCP where there is one', () => {
    expect(itemOf(view(), 'open-ccp')).toMatchObject({ label: 'Open the Contact Control Panel', enabled: true });
    expect(itemOf(view({}, { ccp: 'banner' }), 'open-ccp')?.label).toBe('Show the Contact Control Panel');
    expect(itemOf(view({ gate: gate('closed') }, { ccp: 'blocked' }), 'open-ccp')?.enabled).toBe(true);
    expect(itemOf(view({ ccp: { url: null, origins: [], loginOrigins: [] } }), 'open-ccp')?.enabled).toBe(false);
    expect(itemOf(view(null), 'open-ccp')?.enabled).toBe(false);
  });

  it('has every language by its own name, and the chosen one checked', () => {
    const menu = modelOf(view({}, { locale: { choice: 'ko', inUse: 'ko' } })).menu;
    const languages = menu.flatMap((item) => (item === 'separator' ? [] : (item.submenu ?? [])));
    expect(languages.map(({ label }) => label)).toEqual(['As this computer', 'English', '繁體中文', '简体中文', '한국어']);
    expect(languages.filter(({ checked }) => checked).map(({ id }) => id)).toEqual(['locale-ko']);
  });

  it('says which version it is', () => {
    expect(itemOf(view(), 'about')?.label).toBe('About Deskwarden 0.1.0');
  });

  it.each(locales.filter((locale) => locale !== 'en'))('is in no other language than %s', (locale) => {
    const told = [
      view({ verdict: blocks, gate: observing('closed'), releasedUntil: at(5) }, { link: 'reconnecting' }),
      view({ verdict: soon }),
    ];
    for (const given of told) {
      const labels = (texts: typeof en) =>
        trayModel(given, texts, NOW).menu.flatMap((item) => (item === 'separator' || item.submenu ? [] : [item.label]));
      const own = labels(textsFor(locale));
      for (const [index, label] of labels(en).entries()) expect(own[index]).not.toBe(label);
      expect(own.filter((label) => /[{}]/.test(label))).toEqual([]);
    }
  });
});

describe('for any view', () => {
  const when = fc.constantFrom(null, at(-5), at(5));
  const anyVerdict = fc.option(
    fc
      .record({ standing: fc.constantFrom('clear', 'caution', 'blocked', 'undetermined'), blocksAt: when, isOld: fc.boolean() })
      .map(({ standing, blocksAt, isOld }) => verdict(standing, { blocksAt, validUntil: at(isOld ? -1 : 9) })),
  );
  const reason = fc.constantFrom('clear', 'blocked', 'critical', 'undetermined', 'undetermined-grace', 'drain-expired', 'released');
  const anyGate = fc
    .record({ state: fc.constantFrom('open', 'draining', 'closed'), reason, acts: fc.boolean() })
    .map(({ state, reason, acts }) => (acts ? gate(state, { reason }) : { ...observing(state), reason }));
  const anyView = fc
    .record({
      link: fc.constantFrom(...DaemonLink.options),
      ccpTrouble: fc.constantFrom(null, unreachable),
      told: fc.option(
        fc.record({
          verdict: anyVerdict,
          gate: anyGate,
          releasedUntil: when,
          fleet: fc.constantFrom(snapshot().fleet, fleet('not-enrolled'), fleet('pending'), fleet('revoked')),
        }),
      ),
    })
    .map(({ told, ...app }) => view(told, app));

  it('a stop sign is shown only where the gate is closed, and a tick only where all is well', () => {
    fc.assert(
      fc.property(anyView, (given) => {
        const { icon } = trayModel(given, en, NOW);
        const told = given.snapshot;
        if (icon === 'blocked') expect(told?.gate.acting).toBe(true);
        if (icon === 'clear') expect([told?.verdict?.standing, given.ccpTrouble]).toEqual(['clear', null]);
      }),
      { numRuns: 2_000 },
    );
  });
});

it('takes an icon for each scale of the screen, and a mask on macOS', () => {
  expect(iconParts('clear', 'darwin', true)).toEqual([
    { name: 'clear-template-16.png', scaleFactor: 1 },
    { name: 'clear-template-32.png', scaleFactor: 2 },
  ]);
  expect(iconParts('blocked', 'linux', true).map(({ name }) => name)).toEqual(['blocked-dark-24.png', 'blocked-dark-48.png']);
  expect(iconParts('blocked', 'win32', false)).toContainEqual({ name: 'blocked-light-20.png', scaleFactor: 1.25 });
});
