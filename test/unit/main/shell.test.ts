import { describe, expect, it } from 'vitest';
import { textsFor } from '../../../checks/texts/lookup.ts';
import { CheckId, RuleId } from '../../../contracts/finding.ts';
import type { Snapshot } from '../../../contracts/local-api.ts';
import type { LocalApiClient } from '../../../contracts/local-link/connect.ts';
import { LinkFault } from '../../../contracts/local-link/link-fault.ts';
import type { CcpWindowEvents } from '../../../main/ccp/ccp-ports.ts';
import type { Sender } from '../../../main/ipc/sender-rule.ts';
import { Settings, type WindowBounds } from '../../../main/settings.ts';
import { startShell } from '../../../main/shell.ts';
import type { TrayAction, TrayModel } from '../../../main/tray/tray-model.ts';
import { settle, settlingAfter } from './settling-after.ts';
import { snapshot } from './view.ts';

const moved: WindowBounds = { x: 1, y: 2, width: 300, height: 400 };

function unscripted(what: string): () => never {
  return () => {
    throw new Error(`unscripted: ${what}`);
  };
}

interface Given {
  /** By default there is none: what the app does all by itself. */
  daemon?: Snapshot;
}

function stage({ daemon }: Given = {}) {
  const time = settlingAfter();
  const log: string[] = [];
  const sent: [string, string][] = [];
  const drawn: TrayModel[] = [];
  const answers: ((isAccepted: boolean) => void)[] = [];
  const opened: { at: WindowBounds | null; events: CcpWindowEvents }[] = [];
  let settings = Settings.parse({ schema: 1 });
  let act: (action: TrayAction) => void = unscripted('tray');
  let call: (sender: Sender, name: unknown, request: unknown) => Promise<unknown> = unscripted('call');
  const shell = startShell({
    settings: {
      current: () => settings,
      change: (what) => {
        settings = { ...settings, ...what };
      },
    },
    app: { version: '0.1.0', platform: 'linux' },
    preferredLocales: () => ['en-US'],
    connect: async () => {
      if (!daemon) throw new LinkFault('no-daemon', 'ENOENT');
      return answering(daemon);
    },
    watchForDaemon: () => () => {},
    after: time.after,
    monotonicMs: time.nowMs,
    wallMs: () => Date.parse('2026-11-22T08:00:00Z') + time.nowMs(),
    random: () => 0.5,
    onTrouble: (detail) => log.push(`trouble ${detail}`),
    downloadsDir: '/downloads',
    bundle: {
      run: async (program) => {
        throw Object.assign(new Error('spawn'), { code: 'ENOENT', program });
      },
      wallMs: () => 0,
      show: unscripted('show'),
    },
    ipc: {
      onCall: (take) => {
        call = take;
      },
      send: (page, name) => sent.push([page, name]),
    },
    openPosture(url) {
      log.push(`posture ${url}`);
      return { load: (next) => log.push(`load ${next}`), bringForward: () => log.push('forward'), onClosed: () => {} };
    },
    ccpWindows: () => ({
      openCcp(url, at, events) {
        log.push(`ccp ${url}`);
        opened.push({ at, events });
        const { bringForward, minimise, destroy } = logged(log, 'ccp');
        return { bringForward, minimise, destroy, load: unscripted('load'), setHidden: unscripted('setHidden'), bounds: () => moved };
      },
      openBlocked: unscripted('openBlocked'),
      openBanner: unscripted('openBanner'),
      offerReload: unscripted('offerReload'),
      confirmQuit: () => {
        log.push('quit?');
        return new Promise((resolve) => answers.push(resolve));
      },
    }),
    probePage: () => ({ open: () => log.push('probe opened'), send: unscripted('probe'), close: () => log.push('probe closed') }),
    tray(onAction) {
      act = onAction;
      return { render: (model) => drawn.push(model), destroy: () => log.push('tray gone') };
    },
    notices: () => unscripted('notice'),
    quit: () => log.push('quit'),
  });
  const ask = (name: string, request?: unknown) => call({ page: 'posture', isTopFrame: true, url: 'app://ui/posture.html' }, name, request);
  return { time, log, sent, drawn, shell, ask, opened, answers, act: (action: TrayAction) => act(action), settings: () => settings };
}

function logged(log: string[], what: string) {
  return {
    bringForward: () => void log.push(`${what} forward`),
    minimise: () => void log.push(`${what} minimised`),
    destroy: () => void log.push(`${what} destroyed`),
  };
}

/** A daemon that is there, and says this of the desk whenever it is asked. */
function answering(told: Snapshot): LocalApiClient {
  const nothing = async () => ({ ok: true as const, value: undefined });
  const said: Partial<LocalApiClient> = {
    snapshot: async () => ({ ok: true, value: told }),
    acknowledgeWindow: nothing,
    reportActivity: nothing,
    on: () => () => {},
    close: () => {},
    closed: new Promise(() => {}),
  };
  return said as LocalApiClient;
}

it('follows links to windows, and to none where the policy names no CCP', async () => {
  const { shell, log } = stage();
  await settle();
  shell.follow({ kind: 'ccp' });
  shell.follow({ kind: 'recheck' });
  shell.follow({ kind: 'check', check: 'network.dns' as never });
  await settle();
  expect(log).toEqual([
    'trouble no-daemon: ENOENT',
    'posture app://ui/posture.html',
    'load app://ui/posture.html#check/network.dns',
    'forward',
  ]);
});

it('lets no page that opens a link again and again bring its window forward each time', async () => {
  const { shell, log, time } = stage();
  await settle();
  for (let i = 0; i < 5; i++) shell.follow({ kind: 'recheck' });
  expect(log.filter((line) => line.startsWith('posture') || line === 'forward')).toHaveLength(1);
  await time.advance(30_000);
  shell.follow({ kind: 'recheck' });
  expect(log.at(-1)).toBe('forward');
});

it('does what the tray says', async () => {
  const { act, log, settings, drawn, sent, time } = stage();
  await settle();
  act('about');
  act('open-ccp');
  act('quit');
  act('locale-ko');
  await time.advance(200);
  expect(log).toEqual(['trouble no-daemon: ENOENT', 'posture app://ui/posture.html#about', 'quit']);
  expect(settings().locale).toBe('ko');
  expect(JSON.stringify(drawn.at(-1))).toContain(textsFor('ko').ui('tray.quit'));
  expect(sent).toContainEqual(['posture', 'viewChanged']);
});

it.each(['recheck', 'save-bundle'] as const)('shows the window where the tray’s %s was refused', async (action) => {
  const { act, log } = stage();
  await settle();
  act(action);
  await new Promise((resolve) => setTimeout(resolve, 0));
  expect(log.at(-1)).toBe('posture app://ui/posture.html');
});

it('answers its pages without a daemon', async () => {
  const { ask } = stage();
  expect(await ask('view')).toMatchObject({ ok: true, value: { link: 'connecting', ccp: 'not-open', locale: { inUse: 'en' } } });
  await settle();
  for (const [name, request] of [
    ['recheck', {}],
    ['history', undefined],
    ['release', { code: '12345678' }],
  ] as const) {
    expect(await ask(name, request)).toMatchObject({ ok: false, error: { code: 'no-daemon' } });
  }
  expect(await ask('saveBundle')).toMatchObject({
    ok: false,
    error: { code: 'no-daemon', detail: 'not installed: no /usr/bin/deskwarden' },
  });
  expect(await ask('openCcp')).toMatchObject({ ok: false, error: { code: 'not-allowed' } });
  expect(await ask('setLocale', { choice: 'zh-TW' })).toMatchObject({ ok: true });
  expect(await ask('view')).toMatchObject({ value: { locale: { choice: 'zh-TW', inUse: 'zh-TW' } } });
});

it('ends with nothing that waits', async () => {
  const { shell, time, log } = stage();
  await time.advance(20_000);
  shell.stop();
  expect(time.waiting()).toBe(0);
  expect(log.at(-1)).toBe('tray gone');
  // Electron tells twice that it quits where somebody asks twice.
  shell.stop();
  expect(log.filter((line) => line === 'tray gone')).toHaveLength(1);
});

describe('the CCP’s window', () => {
  it('opens for the link that started the app, once the daemon has said where', async () => {
    const { shell, time, opened, log } = stage({ daemon: snapshot() });
    shell.follow({ kind: 'ccp' });
    expect(opened).toEqual([]);
    await time.advance(0);
    expect(log).toEqual(['ccp https://acme.my.connect.aws/ccp-v2/', 'ccp forward']);
    shell.stop();
  });

  it('is remembered where it was when its user closes it', async () => {
    const { act, time, opened, settings } = stage({ daemon: snapshot() });
    await time.advance(0);
    act('open-ccp');
    expect(settings().ccpOpen).toBe(true);
    expect(opened[0]?.events.onClosing()).toBe(false);
    await time.advance(0);
    expect(settings()).toMatchObject({ ccpOpen: false, windows: { ccp: moved } });
  });

  it('goes with the app in the middle of a call, and is remembered as open', async () => {
    const { shell, act, time, opened, settings, log } = stage({ daemon: snapshot() });
    await time.advance(0);
    act('open-ccp');
    opened[0]?.events.onMedia(true);
    expect(opened[0]?.events.onClosing()).toBe(false);
    await time.advance(200);
    expect(log.at(-1)).toBe('ccp minimised');
    shell.stop();
    expect(opened[0]?.events.onClosing()).toBe(true);
    expect(settings()).toMatchObject({ ccpOpen: true, windows: { ccp: moved } });
    expect(time.waiting()).toBe(0);
  });

  it('is asked about before the app ends in a call, once at a time, and nothing ends without a yes', async () => {
    const { shell, act, time, opened, log, answers } = stage({ daemon: snapshot() });
    await time.advance(0);
    act('open-ccp');
    opened[0]?.events.onMedia(true);
    // As Electron asks, whoever wants it to quit.
    expect(shell.mayEnd()).toBe(false);
    expect(shell.mayEnd()).toBe(false);
    expect(log.filter((line) => line === 'quit?')).toHaveLength(1);
    answers[0]?.(false);
    await time.advance(10_000);
    expect(log).not.toContain('tray gone');
    expect(log).not.toContain('quit');
    expect(shell.mayEnd()).toBe(false);
    answers[1]?.(true);
    await time.advance(0);
    expect(log.at(-1)).toBe('quit');
    expect(shell.mayEnd()).toBe(true);
    expect(log.at(-1)).toBe('tray gone');
    expect(time.waiting()).toBe(0);
  });

  it('goes with the app unasked where nobody talks in it', async () => {
    const { shell, act, time, log } = stage({ daemon: snapshot() });
    await time.advance(0);
    act('open-ccp');
    expect(shell.mayEnd()).toBe(true);
    expect(log).not.toContain('quit?');
    expect(log.at(-1)).toBe('tray gone');
    expect(shell.mayEnd()).toBe(true);
  });

  it('has the microphone to itself as soon as it plays', async () => {
    const check = CheckId.parse('softphone.audio-devices');
    const rules = [{ id: RuleId.parse(check), check, params: {}, everyMs: 60_000 }];
    const { shell, act, ask, time, opened, log } = stage({ daemon: snapshot({ session: { rules, turn: [] } }) });
    await time.advance(0);
    act('open-ccp');
    expect(await ask('recheck', { check })).toMatchObject({ ok: true });
    expect(log.at(-1)).toBe('probe opened');
    opened[0]?.events.onMedia(true);
    expect(log.at(-1)).toBe('probe closed');
    shell.stop();
  });
});
