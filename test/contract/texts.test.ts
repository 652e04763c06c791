import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { fillInMark } from '../../build/new-check/templates.ts';
import { repoRoot } from '../../build/repo.ts';
import { catalog } from '../../checks/catalog.ts';
import { locales } from '../../checks/texts/locale.ts';
import { loadCases } from '../cases/load-cases.ts';

const Sentence = z.string().trim().min(1);
const Text = z.strictObject({
  title: Sentence.max(60),
  what: Sentence,
  why: Sentence,
  unsure: Sentence.optional(),
  reasons: z.record(z.string(), z.strictObject({ says: Sentence, fix: Sentence })),
});
const Texts = z.strictObject({ who: z.record(z.string(), z.enum(['agent', 'it'])), en: Text, 'zh-TW': Text, 'zh-CN': Text, ko: Text });

const textsDir = path.join(repoRoot, 'checks/texts');

describe.each(catalog.map((check) => ({ id: check.id, check })))('texts of $id', async ({ id, check }) => {
  const filePath = `checks/texts/checks/${id}.json`;
  const raw: unknown = JSON.parse(await readFile(path.join(repoRoot, filePath), 'utf8').catch(() => 'null'));
  const parsed = Texts.safeParse(raw);

  it('are there in every locale', () => {
    expect(parsed.error?.issues ?? [], `${filePath} must have this shape in ${locales.join(', ')}`).toEqual([]);
  });

  if (!parsed.success) return;
  const texts = parsed.data;
  const reasons = [...check.reasons].sort();

  it('are filled in', () => {
    const open = leaves(texts).filter(({ text }) => text.startsWith(fillInMark));
    expect(
      open.map(({ at }) => at),
      `write these texts of ${filePath}`,
    ).toEqual([]);
  });

  it('say for each reason what is so, what to do and who does it', () => {
    expect(Object.keys(texts.who).sort(), `${filePath}: who`).toEqual(reasons);
    for (const locale of locales) expect(Object.keys(texts[locale].reasons).sort(), `${filePath}: ${locale}`).toEqual(reasons);
  });

  it('have the same {args} in every locale', () => {
    for (const reason of reasons) {
      for (const part of ['says', 'fix'] as const) {
        const english = placeholders(texts.en.reasons[reason]?.[part]);
        for (const locale of locales) {
          expect(placeholders(texts[locale].reasons[reason]?.[part]), `${filePath}: ${locale}.reasons.${reason}.${part}`).toEqual(english);
        }
      }
    }
  });

  it('show only {args} that a case of the reason gives', async () => {
    const cases = (await loadCases(check))?.cases ?? [];
    for (const reason of reasons) {
      const outcomes = cases.flatMap(({ outcome }) => ('reason' in outcome && outcome.reason === reason ? [outcome] : []));
      const wanted = [...placeholders(texts.en.reasons[reason]?.says), ...placeholders(texts.en.reasons[reason]?.fix)];
      for (const { args } of outcomes) {
        const missing = wanted.filter((name) => !Object.hasOwn(args, name));
        expect(missing, `${id}: args that a text of ${reason} shows and a case lacks`).toEqual([]);
      }
    }
  });
});

describe('texts', () => {
  it('are those of checks in the catalogue', async () => {
    const names = (await readdir(path.join(textsDir, 'checks'))).sort();
    expect(names).toEqual(catalog.map((check) => `${check.id}.json`));
  });

  it('of the interface have the same keys and {args} in every locale', async () => {
    const read = async (locale: string) => {
      const texts = JSON.parse(await readFile(path.join(textsDir, 'ui', `${locale}.json`), 'utf8')) as Record<string, string>;
      return Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, text.trim() === '' ? 'empty' : placeholders(text)]));
    };
    const english = await read('en');
    for (const locale of locales) expect(await read(locale), locale).toEqual(english);
  });
});

function placeholders(text = ''): string[] {
  return [...new Set([...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? ''))].sort();
}

function leaves(value: unknown, at = ''): { at: string; text: string }[] {
  if (typeof value === 'string') return [{ at, text: value }];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, at === '' ? key : `${at}.${key}`));
}
