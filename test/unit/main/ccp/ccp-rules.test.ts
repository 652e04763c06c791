import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { httpsOrigin, isForBrowser } from '../../../../main/ccp/ccp-origins.ts';
import {
  type CcpPermissionAsk,
  mayHaveDevice,
  mayHavePermission,
  mayNavigate,
  mayOpen,
  mayRequest,
  type NavigationAsk,
} from '../../../../main/ccp/ccp-rules.ts';

const CCP = 'https://acme.my.connect.aws';
const PAGE = 'https://agents.example.com';
const LOGIN = 'https://login.example.com';
const places = { origins: [CCP, PAGE], loginOrigins: [LOGIN] };

/** Addresses that are no origin of the policy's, however much they look like one. */
const lookalikes = [
  ['another host', 'https://evil.example/'],
  ['our host as a user name', 'https://acme.my.connect.aws@evil.example/'],
  ['a user name before our host', 'https://evil@acme.my.connect.aws/'],
  ['a password before our host', 'https://:evil@acme.my.connect.aws/'],
  ['our host as a name below another', 'https://acme.my.connect.aws.evil.example/'],
  ['a name below our host', 'https://evil.acme.my.connect.aws/'],
  ['the name above our host', 'https://my.connect.aws/'],
  ['a trailing dot', 'https://acme.my.connect.aws./'],
  ['another port', 'https://acme.my.connect.aws:8443/'],
  ['port 80', 'https://acme.my.connect.aws:80/'],
  ['http', 'http://acme.my.connect.aws/'],
  ['http on port 443', 'http://acme.my.connect.aws:443/'],
  ['a Cyrillic a', 'https://аcme.my.connect.aws/'],
  ['the same in Punycode', 'https://xn--cme-5cd.my.connect.aws/'],
  ['our host after a backslash', 'https://evil.example\\@acme.my.connect.aws/'],
  ['our host in the path', 'https://evil.example/https://acme.my.connect.aws/'],
  ['our host in the query', 'https://evil.example/?https://acme.my.connect.aws'],
  ['our host in the fragment', 'https://evil.example/#https://acme.my.connect.aws'],
  ['a blob of our origin', 'blob:https://acme.my.connect.aws/5f2c7d0e-0000-4000-8000-000000000000'],
  ['a file system of our origin', 'filesystem:https://acme.my.connect.aws/temporary/x'],
  ['view-source of our origin', 'view-source:https://acme.my.connect.aws/'],
  ['data', 'data:text/html,<script>1</script>'],
  ['javascript', "javascript:location='https://acme.my.connect.aws/'"],
  ['an empty document', 'about:blank'],
  ['a file', 'file:///etc/passwd'],
  ['a file on our host', 'file://acme.my.connect.aws/etc/passwd'],
  ['our own pages', 'app://ui/posture.html'],
  ['a web socket', 'wss://acme.my.connect.aws/'],
  ['the browser’s own', 'chrome://settings/'],
  ['DevTools', 'devtools://devtools/bundled/inspector.html'],
  ['our own deep link', 'deskwarden://open'],
  ['nothing', ''],
  ['the word null', 'null'],
  ['an opaque origin', 'https://'],
  ['no address at all', 'acme.my.connect.aws'],
] as const;

/** The same origin, however it is written. */
const ours = [
  `${CCP}/ccp-v2/`,
  'HTTPS://ACME.MY.CONNECT.AWS/ccp-v2/',
  'https://acme.my.connect.aws:443/',
  'https:\\\\acme.my.connect.aws\\ccp-v2',
  '  https://acme.my.connect.aws/',
  `${CCP}/?next=https://evil.example`,
];

const permission = (over: Partial<CcpPermissionAsk> = {}) =>
  mayHavePermission(places, { permission: 'media', from: `${CCP}/ccp-v2/`, embeddedIn: CCP, isMainFrame: true, media: ['audio'], ...over });

describe('permissions', () => {
  it('gives the CCP the microphone', () => {
    expect(permission()).toBe(true);
    expect(permission({ from: CCP, embeddedIn: null })).toBe(true);
  });

  it('gives it to the CCP inside the policy’s page, and to that page', () => {
    expect(permission({ embeddedIn: `${PAGE}/desk`, isMainFrame: false })).toBe(true);
    expect(permission({ from: PAGE, embeddedIn: PAGE })).toBe(true);
  });

  it.each([[['video']], [['audio', 'video']], [[]], [['unknown']]])('gives no media %j', (media) => {
    expect(permission({ media })).toBe(false);
  });

  it.each(['speaker-selection', 'clipboard-sanitized-write', 'notifications', 'hid', 'loopback-network'])('gives the CCP %s', (name) => {
    expect(permission({ permission: name, media: [] })).toBe(true);
    expect(permission({ permission: name, media: [], from: 'https://evil.example', embeddedIn: CCP, isMainFrame: false })).toBe(false);
  });

  it.each([
    'display-capture',
    'geolocation',
    'clipboard-read',
    'midi',
    'midiSysex',
    'usb',
    'serial',
    'fullscreen',
    'openExternal',
    'pointerLock',
    'fileSystem',
    'idle-detection',
    'window-management',
    'storage-access',
    'local-network',
    'local-network-access',
    'unknown',
    '__proto__',
    '',
  ])('gives nobody %s', (name) => {
    expect(permission({ permission: name, media: ['audio'] })).toBe(false);
  });

  it.each(lookalikes)('gives the microphone to no other: %s', (_, url) => {
    expect(permission({ from: url, embeddedIn: url })).toBe(false);
    expect(permission({ from: url, embeddedIn: CCP, isMainFrame: false })).toBe(false);
    expect(permission({ embeddedIn: url, isMainFrame: false })).toBe(false);
  });

  it('gives it to no frame whose page is not told', () => {
    expect(permission({ embeddedIn: null, isMainFrame: false })).toBe(false);
  });

  it('gives the sign-in nothing', () => {
    expect(permission({ from: LOGIN, embeddedIn: LOGIN })).toBe(false);
    expect(permission({ from: LOGIN, embeddedIn: CCP, isMainFrame: false })).toBe(false);
    expect(permission({ embeddedIn: LOGIN, isMainFrame: false })).toBe(false);
  });

  it('gives nothing before the daemon named the CCP', () => {
    const ask = { permission: 'media', from: CCP, embeddedIn: CCP, isMainFrame: true, media: ['audio'] };
    expect(mayHavePermission(null, ask)).toBe(false);
  });
});

describe('devices', () => {
  const device = { deviceType: 'hid', origin: CCP, usagePages: [0x0c, 0x0b] };
  it.each([
    ['a headset', {}, true],
    ['a keyboard', { usagePages: [0x01, 0x07] }, false],
    ['a volume knob', { usagePages: [0x0c] }, false],
    ['a device that says nothing', { usagePages: [] }, false],
    ['a headset, for the sign-in', { origin: LOGIN }, false],
    ['a headset, for another', { origin: 'https://evil.example' }, false],
    ['USB', { deviceType: 'usb' }, false],
    ['a serial port', { deviceType: 'serial' }, false],
  ])('%s', (_, over, expected) => {
    expect(mayHaveDevice(places, { ...device, ...over })).toBe(expected);
  });
});

describe('navigation', () => {
  const asked = (url: string, over: Partial<NavigationAsk> = {}) =>
    mayNavigate(places, { url, isMainFrame: true, byMainFrame: true, byUser: false, isRedirect: false, ...over });

  it.each([...ours, `${PAGE}/x`, `${LOGIN}/saml`])('stays in the window for %s', (url) => {
    expect(asked(url)).toEqual({ to: 'window' });
    expect(asked(url, { isMainFrame: false })).toEqual({ to: 'window' });
    expect(asked(url, { isRedirect: true })).toEqual({ to: 'window' });
  });

  it.each(lookalikes)('never shows %s in the window', (_, url) => {
    for (const byUser of [true, false])
      for (const byMainFrame of [true, false])
        for (const isRedirect of [true, false]) {
          expect(asked(url, { byUser, byMainFrame, isRedirect }).to).not.toBe('window');
        }
  });

  it.each(lookalikes.filter(([name]) => name !== 'an empty document'))('never shows %s in a frame, nor hands it on', (_, url) => {
    expect(asked(url, { isMainFrame: false, byMainFrame: true, byUser: true })).toEqual({ to: 'nowhere' });
  });

  it('lets a frame start empty', () => {
    expect(asked('about:srcdoc', { isMainFrame: false })).toEqual({ to: 'window' });
    expect(asked('about:blank', { isMainFrame: false })).toEqual({ to: 'window' });
    expect(asked('about:blank#x', { isMainFrame: false })).toEqual({ to: 'nowhere' });
  });

  const elsewhere = 'https://docs.example.com/help';
  it.each([
    ['a link that the user pressed', {}, 'browser'],
    ['one that nobody pressed', { byUser: false }, 'nowhere'],
    ['one that a frame inside presses', { byMainFrame: false }, 'nowhere'],
    ['one that a server sends on', { isRedirect: true }, 'nowhere'],
    ['one inside a frame', { isMainFrame: false }, 'nowhere'],
  ] as const)('elsewhere: %s', (_, over, to) => {
    expect(asked(elsewhere, { byUser: true, ...over }).to).toBe(to);
  });

  it.each(['http://docs.example.com/', 'mailto:a@example.com', 'tel:+15550100', 'file:///x', 'ms-settings:', 'https://a:b@example.com/'])(
    'hands %s to nobody',
    (url) => {
      expect(asked(url, { byUser: true })).toEqual({ to: 'nowhere' });
      expect(mayOpen(places, { url, posts: false })).toEqual({ to: 'nowhere' });
    },
  );
});

describe('popups', () => {
  it.each([...ours, `${LOGIN}/saml`])('opens %s beside', (url) => {
    expect(mayOpen(places, { url, posts: false })).toEqual({ to: 'window' });
    expect(mayOpen(places, { url, posts: true })).toEqual({ to: 'window' });
  });

  it.each(lookalikes)('never opens %s beside', (_, url) => {
    expect(mayOpen(places, { url, posts: false }).to).not.toBe('window');
  });

  it('hands other pages to the browser, and none that carries a form', () => {
    const url = 'https://crm.example.com/customer/7';
    expect(mayOpen(places, { url, posts: false })).toEqual({ to: 'browser', url });
    expect(mayOpen(places, { url, posts: true })).toEqual({ to: 'nowhere' });
    expect(mayOpen(null, { url: `${CCP}/`, posts: false }).to).toBe('browser');
  });

  it('hands on no address that would be cut short', () => {
    const url = (length: number) => 'https://example.com/'.padEnd(length, 'x');
    expect(isForBrowser(url(2_048))).toBe(true);
    expect(isForBrowser(url(2_049))).toBe(false);
  });
});

describe('requests', () => {
  const asked = (url: string, resourceType = 'xhr', isShut = false) => mayRequest(places, isShut, { url, resourceType });

  it.each([...ours, LOGIN])('shows %s', (url) => {
    expect(asked(url, 'mainFrame')).toBe(true);
    expect(asked(url, 'subFrame')).toBe(true);
  });

  it.each(lookalikes)('never shows %s', (_, url) => {
    expect(asked(url, 'mainFrame')).toBe(false);
    expect(asked(url, 'subFrame')).toBe(false);
  });

  it('lets a page fetch from elsewhere over HTTPS, as in a browser', () => {
    for (const url of ['https://d1.example.net/app.js', 'wss://transport.connect.us-west-2.amazonaws.com/', 'data:,x', `blob:${CCP}/1`]) {
      expect(asked(url)).toBe(true);
    }
  });

  it.each([
    'http://acme.my.connect.aws/',
    'ws://example.com/',
    'file:///etc/passwd',
    'FILE:///etc/passwd',
    'app://ui/posture.html',
    'app://UI/preload.js',
    'chrome://gpu/',
    'devtools://devtools/x',
    'ftp://example.com/',
    'http://127.0.0.1:8080/',
    'ws://127.0.0.1:8080/',
    'not an address',
  ])('never asks %s for anything', (url) => {
    for (const type of ['mainFrame', 'subFrame', 'xhr', 'image', 'script', 'webSocket', 'other']) expect(asked(url, type)).toBe(false);
  });

  it('lets the CCP talk to Amazon’s screen recorder on this computer, and to nothing else there', () => {
    expect(asked('ws://localhost:5431/', 'webSocket')).toBe(true);
    expect(asked('ws://localhost:5431/', 'xhr')).toBe(false);
    expect(asked('ws://localhost:5432/', 'webSocket')).toBe(false);
    expect(asked('http://localhost:5431/', 'webSocket')).toBe(false);
    expect(asked('ws://x@localhost.example:5431/', 'webSocket')).toBe(false);
    for (const host of [
      'localhost',
      'LOCALHOST.',
      'a.localhost',
      '127.0.0.1',
      '127.8.8.8',
      '2130706433',
      '0',
      '[::1]',
      '[::]',
      '[::ffff:127.0.0.1]',
    ]) {
      for (const type of ['xhr', 'webSocket', 'script', 'image']) {
        expect(asked(`https://${host}:5431/`, type)).toBe(false);
        expect(asked(`wss://${host}:5431/`, type)).toBe(false);
      }
    }
    for (const host of ['localhost.example.com', '127.0.0.1.example.com', 'mylocalhost', '128.0.0.1', '[::2]'])
      expect(asked(`https://${host}/`)).toBe(true);
  });

  it('asks for nothing at all behind a closed gate', () => {
    for (const url of [...ours, LOGIN, 'data:,x', 'wss://acme.my.connect.aws/', 'ws://localhost:5431/', `blob:${CCP}/1`]) {
      for (const type of ['mainFrame', 'subFrame', 'xhr', 'webSocket', 'ping']) expect(asked(url, type, true)).toBe(false);
    }
  });
});

describe('for any address', () => {
  const noise = fc.oneof(
    fc.webUrl({ validSchemes: ['https', 'http'], withFragments: true, withQueryParameters: true }),
    fc.string(),
    fc.tuple(fc.constantFrom(CCP, LOGIN), fc.string()).map(([origin, rest]) => origin + rest),
  );

  it('what the window shows has an origin of the policy’s', () => {
    fc.assert(
      fc.property(noise, fc.boolean(), (url, isRedirect) => {
        const way = mayNavigate(places, { url, isMainFrame: true, byMainFrame: true, byUser: true, isRedirect });
        const isOurs = [CCP, PAGE, LOGIN].includes(httpsOrigin(url) ?? '');
        expect(way.to === 'window').toBe(isOurs);
        expect(mayOpen(places, { url, posts: false }).to === 'window').toBe(isOurs);
        expect(mayRequest(places, false, { url, resourceType: 'mainFrame' })).toBe(isOurs);
        if (way.to === 'browser') expect(new URL(way.url).protocol).toBe('https:');
      }),
    );
  });
});
