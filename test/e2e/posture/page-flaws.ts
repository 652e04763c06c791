import axe from 'axe-core';
import type { Page } from 'playwright';

/** Everything that axe can say, in the words of who has to mend it. */
export async function flaws(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const found = (await page.evaluate(`axe.run(document, { resultTypes: ['violations'] })`)) as axe.AxeResults;
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`);
}

/** How far the page is too wide for its window, in pixels. */
export async function excess(page: Page): Promise<number> {
  return (await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')) as number;
}

/** Controls smaller than a finger may be asked to hit (WCAG 2.2, 2.5.8). */
export async function smallTargets(page: Page): Promise<string[]> {
  return (await page.evaluate(`[...document.querySelectorAll('button:not(.skip), select, input, summary')]
    .filter((element) => { const box = element.getBoundingClientRect(); return box.width < 24 || box.height < 24; })
    .map((element) => element.outerHTML.slice(0, 80))`)) as string[];
}

export async function focused(page: Page): Promise<string> {
  return (await page.evaluate(`document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent`)) as string;
}
