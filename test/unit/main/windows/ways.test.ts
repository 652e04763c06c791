import { expect, it } from 'vitest';
import { createWays, MOST_CCP_WINDOWS } from '../../../../main/windows/ways.ts';
import { chooseCertificate, contentsRules } from '../../../../main/windows/window-rules.ts';
import { popupSpec } from '../../../../main/windows/window-spec.ts';

const CCP = 'https://acme.my.connect.aws';
const rules = contentsRules({ places: () => ({ origins: [CCP], loginOrigins: [] }) });

function stage() {
  let nowMs = 0;
  let windows = 1;
  const opened: string[] = [];
  const refused: string[] = [];
  const ways = createWays(rules, {
    monotonicMs: () => nowMs,
    ccpWindows: () => windows,
    openOutside: (url) => opened.push(url),
    onRefused: (detail) => refused.push(detail),
  });
  return {
    opened,
    refused,
    open: (url: string) => ways.mayOpen('ccp', { url, posts: false }),
    go: (url: string, byUser: boolean) => ways.mayGo('ccp', { url, isMainFrame: true, byMainFrame: true, byUser, isRedirect: false }),
    setWindows: (count: number) => {
      windows = count;
    },
    setNow: (ms: number) => {
      nowMs = ms;
    },
  };
}

it('a page of the CCP goes and opens where the rules let it, and each refusal is told', () => {
  const { open, go, opened, refused } = stage();
  expect([open(`${CCP}/a`), go(`${CCP}/b`, false)]).toEqual([true, true]);
  expect([opened, refused]).toEqual([[], []]);
  expect([open('file:///etc/passwd'), go('https://example.com/', false)]).toEqual([false, false]);
  expect([opened, refused]).toEqual([[], ['window of ccp', 'navigation of ccp']]);
});

it('five pages at once are handed to the browser, and then one a second, by links and pop-ups together', () => {
  const { open, go, opened, setNow } = stage();
  for (let index = 0; index < 4; index += 1) expect(open(`https://example.com/${index}`)).toBe(false);
  for (let index = 0; index < 4; index += 1) expect(go(`https://example.com/link${index}`, true)).toBe(false);
  expect(opened).toEqual([0, 1, 2, 3, 'link0'].map((name) => `https://example.com/${name}`));
  setNow(999);
  open('https://example.com/early');
  setNow(1_999);
  for (const name of ['second', 'third']) open(`https://example.com/${name}`);
  expect(opened.slice(5)).toEqual(['https://example.com/second']);
});

it('a full desk opens no window more, and no page outside in its place', () => {
  const { open, opened, refused, setWindows } = stage();
  setWindows(MOST_CCP_WINDOWS);
  expect([open(`${CCP}/`), open('https://example.com/')]).toEqual([false, false]);
  expect([opened, refused.length]).toEqual([[], 2]);
  setWindows(MOST_CCP_WINDOWS - 1);
  expect(open(`${CCP}/`)).toBe(true);
});

it('of the user’s certificates a server of the policy gets the only one, and any other none', () => {
  const chosen = (server: string, ...fitting: string[]) => chooseCertificate(rules, server, fitting);
  expect(chosen('acme.my.connect.aws:443', 'one')).toBe('one');
  expect(chosen('acme.my.connect.aws:443', 'one', 'two')).toBeNull();
  expect(chosen('acme.my.connect.aws:443')).toBeNull();
  expect(chosen('example.com:443', 'one')).toBeNull();
});

it('a pop-up is guarded as the CCP is, shown, and like any window', () => {
  expect(popupSpec()).toMatchObject({
    ...{ show: true, frame: true, transparent: false, opacity: 1, alwaysOnTop: false, skipTaskbar: false, kiosk: false, fullscreen: false },
    ...{ closable: true, movable: true, minimizable: true, focusable: true, modal: false },
    webPreferences: { sandbox: true, contextIsolation: true, nodeIntegration: false, devTools: false },
  });
});
