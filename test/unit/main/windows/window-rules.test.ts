import { describe, expect, it } from 'vitest';
import { PageName } from '../../../../contracts/ipc.ts';
import type { CcpPermissionAsk, NavigationAsk } from '../../../../main/ccp/ccp-rules.ts';
import { pageFile, pageHeaders } from '../../../../main/windows/page-files.ts';
import { ccpSessionRules, chooseHidDevice, contentsRules, denyingSession, pageSession } from '../../../../main/windows/window-rules.ts';
import { type WindowKind, windowSpec } from '../../../../main/windows/window-spec.ts';

const kinds: readonly WindowKind[] = [...PageName.options, 'ccp'];
const places = { origins: ['https://acme.my.connect.aws'], loginOrigins: ['https://login.example.com'] };

describe('every window', () => {
  it.each(kinds)('%s is guarded', (kind) => {
    expect(windowSpec(kind).webPreferences).toMatchObject({
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      nodeIntegrationInSubFrames: false,
      nodeIntegrationInWorker: false,
      webviewTag: false,
      webSecurity: true,
      allowRunningInsecureContent: false,
      experimentalFeatures: false,
      devTools: false,
    });
    expect(windowSpec(kind)).toMatchObject({ show: false });
  });

  it('gets options of its own, which it may write into', () => {
    const first = windowSpec('posture');
    Object.assign(first.webPreferences, { sandbox: false });
    expect(windowSpec('posture').webPreferences.sandbox).toBe(true);
    expect(windowSpec('ccp').webPreferences.sandbox).toBe(true);
  });
});

describe('the microphone', () => {
  const asked: CcpPermissionAsk = {
    permission: 'media',
    from: 'app://ui/',
    embeddedIn: 'app://ui/probe.html',
    isMainFrame: true,
    media: ['audio'],
  };

  it.each<[string, WindowKind | null, Partial<CcpPermissionAsk>, boolean]>([
    ['is for the hidden page', 'probe', {}, true],
    ['is for no other page', 'posture', {}, false],
    ['is not for the CCP in this session', 'ccp', {}, false],
    ['is for no unknown window', null, {}, false],
    ['comes without the camera', 'probe', { media: ['audio', 'video'] }, false],
    ['is named', 'probe', { media: [] }, false],
    ['is not for a frame', 'probe', { isMainFrame: false }, false],
    ['is not for what the page became', 'probe', { from: 'https://example.com/' }, false],
    ['is not for a name that begins like ours', 'probe', { from: 'app://ui.example.com/' }, false],
    ['is not for a user name like ours', 'probe', { from: 'app://x@ui/' }, false],
    ['is all that there is', 'probe', { permission: 'notifications' }, false],
    ['is not the screen', 'probe', { permission: 'display-capture' }, false],
  ])('%s', (_name, kind, change, is) => {
    expect(pageSession.mayHave(kind, { ...asked, ...change })).toBe(is);
  });

  it('is refused in a session that nobody of us made', () => {
    expect(denyingSession.mayHave('probe', asked)).toBe(false);
    expect(denyingSession.mayRequest({ url: 'app://ui/probe.html', resourceType: 'mainFrame' })).toBe(false);
  });
});

describe('pages of ours', () => {
  it.each([
    ['app://ui/posture.html', true],
    ['app://ui/assets/posture-1.js', true],
    ['https://example.com/', false],
    ['http://ui/', false],
    ['file:///etc/passwd', false],
    ['app://other/posture.html', false],
    ['app://ui:8080/posture.html', false],
    ['data:text/html,x', false],
  ])('request %s: %s', (url, is) => {
    expect(pageSession.mayRequest({ url, resourceType: 'xhr' })).toBe(is);
  });

  const going: NavigationAsk = { url: '', isMainFrame: true, byMainFrame: true, byUser: true, isRedirect: false };
  const { wayOf, popupWayOf } = contentsRules({ places: () => places });

  it.each<[WindowKind | null, string, string]>([
    ['posture', 'app://ui/posture.html', 'window'],
    ['posture', 'app://ui/posture.html#check/network.dns', 'window'],
    ['posture', 'app://ui/probe.html', 'nowhere'],
    ['posture', 'app://ui/posture.html.evil', 'nowhere'],
    ['posture', 'app://ui/posture.html?x', 'nowhere'],
    ['posture', 'https://acme.my.connect.aws/', 'nowhere'],
    ['blocked', 'https://acme.my.connect.aws/', 'nowhere'],
    [null, 'app://ui/posture.html', 'nowhere'],
    [null, 'https://acme.my.connect.aws/', 'nowhere'],
    ['ccp', 'https://acme.my.connect.aws/', 'window'],
    ['ccp', 'app://ui/posture.html', 'nowhere'],
    ['ccp', 'file:///etc/passwd', 'nowhere'],
  ])('%s goes to %s: %s', (kind, url, to) => {
    expect(wayOf(kind, { ...going, url }).to).toBe(to);
  });

  it('have no frames, and open no windows', () => {
    expect(wayOf('posture', { ...going, url: 'app://ui/posture.html', isMainFrame: false }).to).toBe('nowhere');
    for (const kind of [...PageName.options, null])
      expect(popupWayOf(kind, { url: 'https://example.com/', posts: false }).to).toBe('nowhere');
    expect(popupWayOf('ccp', { url: 'https://example.com/', posts: false }).to).toBe('browser');
  });
});

it('the CCP’s session goes by the policy and the gate of the moment', () => {
  let shut = false;
  let now: typeof places | null = null;
  const rules = ccpSessionRules({ places: () => now, isShut: () => shut });
  const ask: CcpPermissionAsk = {
    permission: 'media',
    from: 'https://acme.my.connect.aws',
    embeddedIn: 'https://acme.my.connect.aws/ccp-v2/',
    isMainFrame: true,
    media: ['audio'],
  };
  const request = { url: 'https://acme.my.connect.aws/', resourceType: 'mainFrame' };
  expect([rules.mayHave('ccp', ask), rules.mayRequest(request)]).toEqual([false, false]);
  now = places;
  expect([rules.mayHave('ccp', ask), rules.mayHave('posture', ask), rules.mayRequest(request)]).toEqual([true, false, true]);
  shut = true;
  expect(rules.mayRequest(request)).toBe(false);
});

it.each([
  ['acme.my.connect.aws:443', true],
  ['login.example.com:443', true],
  ['acme.my.connect.aws:8443', false],
  ['other.example.com:443', false],
  ['acme.my.connect.aws@other.example.com:443', false],
  ['acme.my.connect.aws.example.com:443', false],
  ['', false],
])('the user’s certificate, asked for by %s: %s', (server, may) => {
  expect(contentsRules({ places: () => places }).mayShowCertificate(server)).toBe(may);
  expect(contentsRules({ places: () => null }).mayShowCertificate(server)).toBe(false);
});

describe('a headset that a page asks for', () => {
  const TELEPHONY = 0x0b;
  const keyboard = { deviceId: 'keyboard', usagePages: [0x01, 0x07] };
  const headset = { deviceId: 'headset', usagePages: [0x0c, TELEPHONY] };
  const second = { deviceId: 'second', usagePages: [TELEPHONY] };
  const ccp = 'https://acme.my.connect.aws';
  const rules = ccpSessionRules({ places: () => places, isShut: () => false });

  it.each<[string, string | null, { deviceId: string; usagePages: number[] }[], string | null]>([
    ['is the first of those', ccp, [keyboard, headset, second], 'headset'],
    ['is none where there is none', ccp, [keyboard], null],
    ['is none where nothing is plugged in', ccp, [], null],
    ['is not for the sign-in', 'https://login.example.com', [headset], null],
    ['is not for a frame that is gone', null, [headset], null],
  ])('%s', (_name, origin, devices, chosen) => {
    expect(chooseHidDevice(rules, origin, devices)).toBe(chosen);
  });

  it('is none in any other session', () => {
    for (const other of [pageSession, denyingSession]) expect(chooseHidDevice(other, ccp, [headset])).toBeNull();
  });
});

describe('files under the app’s own scheme', () => {
  it.each<[string, string | null]>([
    ['app://ui/posture.html', 'posture.html'],
    ['app://ui/posture.html?x#y', 'posture.html'],
    ['app://ui/assets/posture-C1_x.js', 'assets/posture-C1_x.js'],
    ['app://ui/', null],
    ['app://ui', null],
    ['app://ui/../main.cjs', null],
    ['app://ui/..%2fmain.js', null],
    ['app://ui/%2e%2e/main.js', null],
    ['app://ui/assets/..\\..\\main.js', null],
    ['app://ui//etc/passwd.html', null],
    ['app://ui/.hidden.js', null],
    ['app://ui/assets/', null],
    ['app://ui/a/b/c/d/e.js', null],
    ['app://ui/main.cjs', null],
    ['app://ui/package.json', null],
    ['app://ui/x.constructor', null],
    ['app://uix/posture.html', null],
    ['app://other/posture.html', null],
    ['file:///etc/posture.html', null],
    ['app://ui/posture.html\0.js', null],
    ['app://ui/posture.html\n', null],
  ])('%j is %s', (url, file) => {
    expect(pageFile(url)?.parts.join('/') ?? null).toBe(file);
  });

  it('come under a policy that lets nothing in from elsewhere', () => {
    const policy = new Map(
      pageHeaders['content-security-policy'].split('; ').map((part) => {
        const [name = '', ...values] = part.split(' ');
        return [name, values];
      }),
    );
    expect(policy.get('default-src')).toEqual(["'none'"]);
    expect(policy.get('frame-ancestors')).toEqual(["'none'"]);
    expect(policy.get('base-uri')).toEqual(["'none'"]);
    expect(policy.get('form-action')).toEqual(["'none'"]);
    for (const [name, values] of policy) {
      if (name.endsWith('-src') && name !== 'default-src') expect(values).toEqual(["'self'"]);
    }
  });
});
