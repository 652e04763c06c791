import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser, Page } from 'playwright';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeMissing, missingTools } from '../../../build/debian-tools.ts';
import { locales } from '../../../checks/texts/locale.ts';
import { textsFor } from '../../../checks/texts/lookup.ts';
import type { DeskView } from '../../../contracts/ipc.ts';
import { buildPosture } from './build-posture.ts';
import { at, cause, desk, finding, gate, history, NOW, noRoute, type StateName, states, verdict, withFindings } from './desk-states.ts';
import { launch, type OpenPosture, openPosture, type Scripted } from './open-posture.ts';
import { excess, flaws, focused, smallTargets } from './page-flaws.ts';

const LIMIT_MS = 120_000;
const BUDGET_MS = 1_000;
const missing = missingTools('browser');
const why = missing.length === 0 ? null : describeMissing(missing);
const stateNames = Object.keys(states) as StateName[];
const places = ['now', 'quality', 'today', 'leaves', 'about'] as const;
const scripted: Scripted = { history: async () => ({ ok: true, value: history }) };
const inLocale = (view: DeskView, inUse: DeskView['locale']['inUse']): DeskView => ({ ...view, locale: { choice: inUse, inUse } });

describe.skipIf(why !== null)(`posture window in real Chromium${why === null ? '' : `: ${why}`}`, () => {
  let browser: Browser;
  let files: ReadonlyMap<string, Buffer>;
  let uiDir: string;
  const opened: OpenPosture[] = [];
  const show: (view: DeskView, more?: Scripted, options?: Parameters<typeof openPosture>[4]) => Promise<OpenPosture> = async (
    view,
    more = {},
    options = {},
  ) => {
    const open = await openPosture(browser, files, view, { ...scripted, ...more }, options);
    opened.push(open);
    return open;
  };
  /** No test ends with a page that did what it must not. */
  const settle = async () => {
    const trouble = opened.flatMap((open) => open.trouble);
    await Promise.all(opened.splice(0).map((open) => open.close()));
    expect(trouble).toEqual([]);
  };

  beforeAll(async () => {
    uiDir = await mkdtemp(path.join(tmpdir(), 'deskwarden-ui-'));
    [files, browser] = await Promise.all([buildPosture(uiDir), launch()]);
  }, LIMIT_MS);
  afterAll(async () => {
    await browser?.close();
    await rm(uiDir, { recursive: true, force: true });
  });

  it.each(['light', 'dark'] as const)('has nothing for axe to find in any state, %s', { timeout: LIMIT_MS }, async (colorScheme) => {
    const open = await show(states.clear, {}, { colorScheme });
    const found: Partial<Record<string, string[]>> = {};
    for (const name of stateNames) {
      await open.push(states[name]);
      await open.page.locator('section.answer').waitFor();
      // What is folded is looked at too.
      await open.page.evaluate(`for (const details of document.querySelectorAll('details')) details.open = true`);
      const here = await flaws(open.page);
      if (here.length > 0) found[name] = here;
    }
    expect(found).toEqual({});
    await settle();
  });

  it.each(['light', 'dark'] as const)('has nothing for axe to find in any other view, %s', { timeout: LIMIT_MS }, async (colorScheme) => {
    const found: Partial<Record<string, string[]>> = {};
    for (const name of places.slice(1)) {
      const { page } = await show(states.blocked, {}, { colorScheme, hash: `#${name}` });
      if (name === 'quality') await page.locator('canvas').nth(3).waitFor();
      await page.evaluate(`for (const details of document.querySelectorAll('details')) details.open = true`);
      const here = await flaws(page);
      if (here.length > 0) found[name] = here;
    }
    expect(found).toEqual({});
    await settle();
  });

  it('fits into 320 px in every state, view and language, with targets of 24 px', { timeout: LIMIT_MS }, async () => {
    const tooWide: string[] = [];
    const tooSmall: string[] = [];
    for (const locale of locales) {
      for (const place of places) {
        const open = await show(inLocale(states.blocked, locale), {}, { viewport: { width: 320, height: 640 }, hash: `#${place}` });
        if (place === 'quality') await open.page.locator('canvas').nth(3).waitFor();
        for (const name of place === 'now' ? stateNames : (['blocked'] as const)) {
          await open.push(inLocale(states[name], locale));
          await open.page.evaluate(`for (const details of document.querySelectorAll('details')) details.open = true`);
          const px = await excess(open.page);
          if (px !== 0) tooWide.push(`${locale} ${place} ${name}: ${px} px`);
          tooSmall.push(...(await smallTargets(open.page)));
        }
      }
    }
    expect(tooWide).toEqual([]);
    expect(tooSmall).toEqual([]);
    await settle();
  });

  it('is used with the keyboard alone: fix, check again, fixed', { timeout: LIMIT_MS }, async () => {
    const before = desk(
      {
        verdict: verdict('blocked', { causes: [cause('network.turn-udp')] }),
        findings: withFindings(noRoute),
        gate: gate('closed', 'blocked'),
      },
      { ccp: 'blocked' },
    );
    const open = await show(before, { recheck: async () => ({ ok: true, value: undefined }) });
    const { page } = open;
    const title = textsFor('en').title('network.turn-udp');
    for (let i = 0; i < 20; i++) {
      await page.keyboard.press('Tab');
      if ((await focused(page)) === `Check again: ${title}`) break;
    }
    expect(await focused(page)).toBe(`Check again: ${title}`);
    expect(await page.evaluate(`getComputedStyle(document.activeElement).outlineStyle`)).toBe('solid');

    await page.keyboard.press('Enter');
    await page.locator('[data-busy="true"]').waitFor();
    expect(open.calls.filter(({ name }) => name === 'recheck')).toEqual([{ name: 'recheck', request: { check: 'network.turn-udp' } }]);
    await open.push({ ...before, looking: [noRoute.check] });
    // Pressing again while it runs asks nothing.
    await page.keyboard.press('Enter');
    // It stays where the keyboard is.
    expect(await focused(page)).toBe(`Check again: ${title}`);

    await page.clock.runFor(3_000);
    await open.push(
      desk({ findings: withFindings(finding('network.turn-udp', { kind: 'pass' }, { observedAt: at(0.05) })) }, { heardAt: at(0.05) }),
    );
    await page.locator('h1', { hasText: 'You can take calls' }).waitFor();
    await page.locator('p.done', { hasText: `Fixed: ${title}` }).waitFor();
    expect(await page.evaluate('document.activeElement.tagName')).toBe('H1');
    expect(open.calls.filter(({ name }) => name === 'recheck')).toHaveLength(1);
    await settle();
  });

  describe('a link', () => {
    const where = (page: Page) =>
      page.evaluate(`(() => { const { tagName, dataset } = document.activeElement; return [tagName, dataset.check ?? null]; })()`);
    const follow = (page: Page, hash: string) => page.evaluate(`location.hash = '${hash}'`);

    it('to a check leads to its card, also a second time', { timeout: LIMIT_MS }, async () => {
      const { page } = await show(states.blocked, {}, { hash: '#check/tls.clock-skew', viewport: { width: 760, height: 300 } });
      await expect.poll(() => where(page)).toEqual(['ARTICLE', 'tls.clock-skew']);
      const top = () => page.evaluate(`document.activeElement.getBoundingClientRect().top`) as Promise<number>;
      expect(await top()).toBeGreaterThanOrEqual(0);
      expect(await top()).toBeLessThan(300);
      await page.getByRole('button', { name: 'Call quality' }).click();
      await follow(page, '#check/tls.clock-skew');
      await expect.poll(() => where(page)).toEqual(['ARTICLE', 'tls.clock-skew']);
      await settle();
    });

    it.each([
      ['that another explains', 'network.media-quality'],
      ['that is in order', 'tls.handshake'],
      ['that has nothing to say', 'network.egress-canary'],
    ])('to a check %s opens what it is folded into', { timeout: LIMIT_MS }, async (_name, check) => {
      const { page } = await show(states.blocked);
      await follow(page, `#check/${check}`);
      await expect.poll(() => where(page)).toEqual(['LI', check]);
      expect(await page.evaluate(`document.activeElement.closest('details').open`)).toBe(true);
      await settle();
    });

    it('to a check that nobody knows leads to the answer', { timeout: LIMIT_MS }, async () => {
      const { page } = await show(states.blocked);
      await follow(page, '#check/device.unheard-of');
      await expect.poll(() => where(page)).toEqual(['H1', null]);
      await settle();
    });

    it('waits for the first view, and for no other', { timeout: LIMIT_MS }, async () => {
      const open = await show(states.connecting, {}, { hash: '#check/tls.clock-skew' });
      expect(await where(open.page)).toEqual(['BODY', null]);
      await open.push(states['first-look']);
      await expect.poll(() => where(open.page)).toEqual(['H1', null]);
      await open.push(states.blocked);
      await open.page.locator('[data-check="tls.clock-skew"]').waitFor();
      expect(await where(open.page)).toEqual(['H1', null]);
      await settle();
    });

    it('to a view leads there, also when it was left since', { timeout: LIMIT_MS }, async () => {
      const { page } = await show(states.clear, {}, { hash: '#about' });
      await expect.poll(() => where(page)).toEqual(['MAIN', null]);
      await page.getByRole('button', { name: textsFor('en').ui('app.nav.now'), exact: true }).click();
      await follow(page, '#about');
      await page.locator('h1', { hasText: textsFor('en').ui('app.nav.about') }).waitFor();
      await expect.poll(() => where(page)).toEqual(['MAIN', null]);
      await settle();
    });
  });

  it('tells screen readers politely of a change, and at once of a block', { timeout: LIMIT_MS }, async () => {
    const { page, push } = await show(states.clear);
    const said = async () => [await page.locator('p.sr[role=status]').textContent(), await page.locator('p.sr[role=alert]').textContent()];
    expect(await said()).toEqual(['', '']);
    await push(states.countdown);
    await expect.poll(said).toEqual([expect.stringMatching(/^You can take calls until 10:32\sAM$/), '']);
    await push(states.blocked);
    await expect.poll(async () => (await said())[1]).toContain('You can’t take calls right now');
    await settle();
  });

  it('says that the panel is not shown: alone where nothing else is wrong, and else beside it', { timeout: LIMIT_MS }, async () => {
    const { page, push } = await show(states['sign-in-refused']);
    const { ccp, ccpTrouble } = states.unreachable;
    const en = textsFor('en');
    const says = page.locator('.answer');
    expect(await says.locator('h1').textContent()).toBe(en.ui('app.face.not-shown'));
    expect(await says.textContent()).toContain(en.ui('ccp.load.refused', { host: 'login.example.com' }));
    await push({ ...states.countdown, ccp, ccpTrouble });
    await expect.poll(() => says.locator('h1').textContent()).toMatch(/^You can take calls until/);
    const note = await says.locator('.note').textContent();
    expect(note).toBe(`${en.ui('app.face.not-shown')}${en.ui('ccp.load.cannot', { host: 'acme.my.connect.aws' })}`);
    await settle();
  });

  it('counts down to the block', { timeout: LIMIT_MS }, async () => {
    const { page } = await show(states.countdown);
    const left = page.getByRole('timer');
    expect(await left.textContent()).toBe('12 min left');
    await page.clock.runFor(10 * 60_000 + 30_000);
    await expect.poll(() => left.textContent()).toBe('90 sec left');
    await page.clock.runFor(1_000);
    await expect.poll(() => left.textContent()).toBe('89 sec left');
    await settle();
  });

  it('takes IT’s code of 8 digits, and says what is wrong with any other', { timeout: LIMIT_MS }, async () => {
    const open = await show(states.blocked, {
      release: async ({ code }) =>
        code === '12345678' ? { ok: true, value: { until: at(60) } } : { ok: false, error: { code: 'wrong-code', detail: '' } },
    });
    const { page } = open;
    await page.getByText('Do you have a code from IT?').click();
    const field = page.getByLabel('Code, 8 digits');
    const says = page.locator('form [role=status]');
    await field.fill('1234');
    await field.press('Enter');
    expect(await says.textContent()).toBe('A code has exactly 8 digits.');
    expect(open.calls.some(({ name }) => name === 'release')).toBe(false);
    await field.fill('8765 4321');
    await field.press('Enter');
    await expect.poll(() => says.textContent()).toContain('This code does not open it');
    await field.fill('1234 5678');
    await field.press('Enter');
    await expect.poll(() => says.textContent()).toMatch(/^Opened until 11:20\sAM\.$/);
    await settle();
  });

  it('changes its language at once, and leaves no English behind', { timeout: LIMIT_MS }, async () => {
    const asked: unknown[] = [];
    const open = await show(states.blocked, {
      setLocale: async (request) => {
        asked.push(request);
        return { ok: true, value: undefined };
      },
    });
    const { page, push } = open;
    await page.getByLabel('Language').selectOption('zh-TW');
    await expect.poll(() => asked).toEqual([{ choice: 'zh-TW' }]);
    for (const locale of ['zh-TW', 'zh-CN', 'ko'] as const) {
      await push(inLocale(states.blocked, locale));
      await expect.poll(() => page.evaluate('document.documentElement.lang')).toBe(locale);
      expect(await page.locator('h1').textContent()).toBe(textsFor(locale).ui('app.face.blocked'));
      const english = textsFor('en');
      const body = (await page.locator('main').textContent()) ?? '';
      for (const key of ['app.recheck', 'app.fix.blocks', 'app.details', 'app.release', 'app.fix.who.it'] as const) {
        expect(body, `${locale} ${key}`).not.toContain(english.ui(key));
      }
    }
    await settle();
  });

  it('shows the last hours of call quality as pictures and as a table', { timeout: LIMIT_MS }, async () => {
    const { page } = await show(states.clear, {}, { hash: '#quality' });
    await page.locator('canvas').nth(3).waitFor();
    expect(await page.locator('.grade').allTextContents()).toEqual(['good', 'good', 'good', 'good']);
    await page.getByText('All measurements as a table').click();
    expect(await page.getByRole('row').count()).toBe(history.quality.length + 1);
    await settle();
  });

  it('says so when the history cannot be had, and asks again', { timeout: LIMIT_MS }, async () => {
    let isThere = false;
    const { page } = await show(
      states.clear,
      { history: async () => (isThere ? { ok: true, value: history } : { ok: false, error: { code: 'busy', detail: '' } }) },
      { hash: '#today' },
    );
    await page.getByText('This could not be loaded.').waitFor();
    isThere = true;
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.locator('.strip').waitFor();
    await settle();
  });

  it('draws no standing for the hours in which nobody watched, and says so in the legend, the list and to screen readers', {
    timeout: LIMIT_MS,
  }, async () => {
    const open = await show(states.clear, {}, { hash: '#today' });
    const { page } = open;
    await page.locator('.strip').waitFor();
    const drawn = () => page.locator('.bar span').evaluateAll((spans) => spans.map((span) => span.dataset.standing));
    expect(await drawn()).toEqual(['undetermined', 'clear', 'not-watched', 'clear', 'caution', 'clear', 'caution', 'blocked']);
    const said = textsFor('en').ui('app.today.not-watched');
    expect((await page.locator('.legend').textContent()) ?? '').toContain(said);
    expect((await page.locator('ul.sr').textContent()) ?? '').toMatch(new RegExp(`${said}: 2:20.AM to 5:58.AM`));
    expect((await page.locator('.changes').textContent()) ?? '').toMatch(/not watchedUntil 5:58/);
    // The service is lost: what it last said ends when it was last heard.
    await open.push({ ...states.clear, link: 'absent' });
    await page.clock.runFor(30 * 60_000);
    await expect.poll(async () => (await drawn()).at(-1)).toBe('not-watched');
    expect((await page.locator('.changes li').first().textContent()) ?? '').toContain(textsFor('en').ui('app.today.not-watched.still'));
    await settle();
  });

  it('shows and says why everything was not checked again, and when it can be', { timeout: LIMIT_MS }, async () => {
    const open = await show(states.clear, {
      recheck: async () => ({ ok: false, error: { code: 'too-soon', detail: '12 s', retryInMs: 12_000 } }),
    });
    const { page } = open;
    const button = page.getByRole('button', { name: textsFor('en').ui('app.recheck.all') });
    await button.click();
    const says = 'This was checked a moment ago. You can check again in 12 sec.';
    await expect.poll(() => page.locator('.answer .trouble').textContent()).toBe(says);
    const live = () => page.locator('p.sr[role=status]').textContent();
    await expect.poll(live).toBe(says);
    // Asked and refused again: it is read again, so it is not the very same text.
    await button.click();
    await expect.poll(live).toBe(`${says}\u00a0`);
    await page.clock.runFor(12_000);
    await expect.poll(() => page.locator('.answer .trouble').count()).toBe(0);
    // While it looks, the button asks for nothing.
    await open.push({ ...states.clear, looking: [noRoute.check] });
    await page.getByRole('button', { name: textsFor('en').ui('app.recheck.running') }).click({ force: true });
    expect(open.calls.filter(({ name }) => name === 'recheck')).toHaveLength(2);
    await settle();
  });

  it('tells of a headset that is plugged in or pulled out', { timeout: LIMIT_MS }, async () => {
    const open = await show(states.clear, { devicesChanged: async () => ({ ok: true, value: undefined }) });
    await open.page.evaluate(`navigator.mediaDevices.dispatchEvent(new Event('devicechange'))`);
    await expect.poll(() => open.calls.filter(({ name }) => name === 'devicesChanged').length).toBe(1);
    await settle();
  });

  it.each([
    ['somebody looks at it again', (page: Page) => page.evaluate(`document.dispatchEvent(new Event('visibilitychange'))`)],
    ['it comes forward', (page: Page) => page.evaluate(`window.dispatchEvent(new Event('focus'))`)],
    [
      'something new comes',
      async (page: Page) => page.evaluate(`window.deskwardenEmit('viewChanged', ${JSON.stringify(states.countdown)})`),
    ],
  ])('knows the time after a sleep as soon as %s', { timeout: LIMIT_MS }, async (_name, happens) => {
    const { page } = await show(states.countdown);
    expect(await page.getByRole('timer').textContent()).toBe('12 min left');
    // The clock went on, and no timer ran.
    await page.clock.pauseAt(new Date(NOW.getTime() + 1_000));
    await page.clock.setSystemTime(new Date(NOW.getTime() + 5 * 60_000));
    expect(await page.getByRole('timer').textContent()).toBe('12 min left');
    await happens(page);
    await expect.poll(() => page.getByRole('timer').textContent()).toBe('7 min left');
    await settle();
  });

  it('refuses a view that is not of its shape', { timeout: LIMIT_MS }, async () => {
    const { page } = await show(states.clear);
    const forged = JSON.stringify({ ...states.blocked, link: 'sideways' });
    await page.evaluate(`window.deskwardenEmit('viewChanged', ${forged})`);
    expect(await page.locator('h1').textContent()).toBe('You can take calls');
    await settle();
  });

  it('paints the first answer within its budget, and brings no allowlist', { timeout: LIMIT_MS }, async () => {
    const painted: number[] = [];
    for (let run = 0; run < 3; run++) {
      const { page } = await show(states.blocked, {}, { isClockReal: true });
      await page.locator('.card').first().waitFor();
      painted.push((await page.evaluate(`performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? -1`)) as number);
    }
    const scripts = [...files].filter(([name]) => name.endsWith('.js'));
    const bytes = scripts.reduce((sum, [, content]) => sum + content.length, 0);
    console.log(`first contentful paint: ${painted.map(Math.round).join(', ')} ms; scripts: ${bytes} bytes`);
    expect(Math.min(...painted)).toBeGreaterThan(0);
    expect(Math.min(...painted)).toBeLessThan(BUDGET_MS);
    // A word that only the allowlist's snapshot has.
    for (const [name, content] of scripts) expect(content.includes('syncToken'), name).toBe(false);
    await settle();
  });
});
