import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser } from 'playwright';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { describeMissing, missingTools } from '../../../build/debian-tools.ts';
import { locales } from '../../../checks/texts/locale.ts';
import { textsFor } from '../../../checks/texts/lookup.ts';
import type { DeskView } from '../../../contracts/ipc.ts';
import { buildPosture } from './build-posture.ts';
import { at, cause, desk, finding, gate, noRoute, type StateName, states, verdict, withFindings } from './desk-states.ts';
import { launch, type OpenPosture, openPosture, type Scripted } from './open-posture.ts';
import { excess, flaws, focused, smallTargets } from './page-flaws.ts';

const LIMIT_MS = 120_000;
const missing = missingTools('browser');
const why = missing.length === 0 ? null : describeMissing(missing);
const stateNames = Object.keys(states) as StateName[];
const inLocale = (view: DeskView, inUse: DeskView['locale']['inUse']): DeskView => ({ ...view, locale: { choice: inUse, inUse } });
const { ui, title } = textsFor('en');

/** As narrow as the window of the CCP may be; the banner is a strip of it. */
const narrow = { blocked: { width: 320, height: 420 }, banner: { width: 320, height: 80 } } as const;
const pages = ['blocked', 'banner'] as const;

describe.skipIf(why !== null)(`pages around the CCP in real Chromium${why === null ? '' : `: ${why}`}`, () => {
  let browser: Browser;
  let files: ReadonlyMap<string, Buffer>;
  let uiDir: string;
  const opened: OpenPosture[] = [];

  const show = async (
    name: (typeof pages)[number],
    view: DeskView,
    scripted: Scripted = {},
    options: Parameters<typeof openPosture>[4] = {},
  ) => {
    const open = await openPosture(browser, files, view, scripted, { name, viewport: narrow[name], ...options });
    opened.push(open);
    return open;
  };

  beforeAll(async () => {
    uiDir = await mkdtemp(path.join(tmpdir(), 'deskwarden-ui-'));
    [files, browser] = await Promise.all([buildPosture(uiDir), launch()]);
  }, LIMIT_MS);
  /** No test ends with a page that did what it must not. */
  afterEach(async () => {
    const trouble = opened.flatMap((open) => open.trouble);
    await Promise.all(opened.splice(0).map((open) => open.close()));
    expect(trouble).toEqual([]);
  });
  afterAll(async () => {
    await browser?.close();
    await rm(uiDir, { recursive: true, force: true });
  });

  describe.each(pages)('%s', (name) => {
    it.each(['light', 'dark'] as const)('has nothing for axe to find in any state, %s', { timeout: LIMIT_MS }, async (colorScheme) => {
      const open = await show(name, states.blocked, {}, { colorScheme });
      const found: Partial<Record<string, string[]>> = {};
      for (const state of stateNames) {
        await open.push(states[state]);
        const here = await flaws(open.page);
        if (here.length > 0) found[state] = here;
      }
      expect(found).toEqual({});
    });

    it('fits into 320 px in every state and language, with targets of 24 px', { timeout: LIMIT_MS }, async () => {
      const open = await show(name, states.blocked);
      const wrong: string[] = [];
      for (const locale of locales) {
        for (const state of stateNames) {
          await open.push(inLocale(states[state], locale));
          const px = await excess(open.page);
          if (px !== 0) wrong.push(`${locale} ${state}: ${px} px too wide`);
          wrong.push(...(await smallTargets(open.page)));
        }
      }
      expect(wrong).toEqual([]);
    });

    it('speaks the language of the moment', { timeout: LIMIT_MS }, async () => {
      const state = name === 'blocked' ? states.blocked : states.draining;
      const key = name === 'blocked' ? 'ccp.blocked.title' : 'ccp.banner.draining';
      const open = await show(name, state);
      for (const locale of locales) {
        await open.push(inLocale(state, locale));
        await expect.poll(() => open.page.locator('h1').textContent()).toBe(textsFor(locale).ui(key));
        expect(await open.page.evaluate('document.documentElement.lang')).toBe(locale);
      }
    });
  });

  it('the page in place of the CCP is used with the keyboard alone: fix, check again, fixed', { timeout: LIMIT_MS }, async () => {
    const before = desk(
      {
        verdict: verdict('blocked', { causes: [cause('network.turn-udp')] }),
        findings: withFindings(noRoute),
        gate: gate('closed', 'blocked'),
      },
      { ccp: 'blocked' },
    );
    const done = async () => ({ ok: true as const, value: undefined });
    const open = await show('blocked', before, { recheck: done, openPosture: done });
    const { page } = open;
    await page.getByRole('button').first().waitFor();
    await page.keyboard.press('Tab');
    expect(await focused(page)).toBe(ui('app.recheck'));
    expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).toBe('solid');
    await page.keyboard.press('Enter');
    await expect.poll(() => focused(page)).toBe(ui('app.recheck.running'));
    await open.push({ ...before, looking: [noRoute.check] });
    // Pressing again while it runs asks nothing.
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    expect(await focused(page)).toBe(ui('ccp.blocked.open'));
    await page.keyboard.press('Enter');
    await page.clock.runFor(3_000);
    await open.push({
      ...before,
      ...desk({ findings: withFindings(finding('network.turn-udp', { kind: 'pass' }, { observedAt: at(0.05) })) }),
      ccp: 'blocked',
    });
    await expect.poll(() => page.locator('main > p[role=status]').first().textContent()).toBe(ui('ccp.blocked.opening'));
    expect(open.calls.filter(({ name }) => name !== 'view')).toEqual([
      { name: 'recheck', request: { check: 'network.turn-udp' } },
      { name: 'openPosture', request: undefined },
    ]);
  });

  it('the page in place of the CCP says first what its user can mend, and how much more there is', { timeout: LIMIT_MS }, async () => {
    const { page } = await show('blocked', states.blocked);
    expect(await page.locator('h3').textContent()).toBe(title('network.turn-udp'));
    expect(await page.locator('.who').getAttribute('data-who')).toBe('agent');
    expect(await page.locator('main').textContent()).toContain(ui('ccp.blocked.also', { count: 1 }));
  });

  it('the banner leads to the reason, and says all of its word in its strip', { timeout: LIMIT_MS }, async () => {
    const open = await show('banner', states.draining, { openPosture: async () => ({ ok: true, value: undefined }) });
    const { page } = open;
    await page.getByRole('button').waitFor();
    await page.keyboard.press('Tab');
    expect(await focused(page)).toBe(ui('ccp.why'));
    await page.keyboard.press('Enter');
    await expect.poll(() => open.calls.at(-1)?.name).toBe('openPosture');
    for (const locale of locales) {
      for (const state of ['draining', 'observe', 'reconnecting', 'closing-without-daemon'] as const) {
        await open.push(inLocale(states[state], locale));
        const hidden = await page.evaluate(
          `(() => { const { scrollHeight, clientHeight } = document.querySelector('[role=status]'); return scrollHeight - clientHeight; })()`,
        );
        expect(hidden, `${locale} ${state}`).toBe(0);
      }
    }
  });
});
