import { describe, expect, it } from 'vitest';
import { type Locale, locales, matchLocale, pickLocale } from '../../../../checks/texts/locale.ts';
import { type CheckTexts, textsFor } from '../../../../checks/texts/lookup.ts';
import en from '../../../../checks/texts/ui/en.json' with { type: 'json' };
import ko from '../../../../checks/texts/ui/ko.json' with { type: 'json' };
import zhCN from '../../../../checks/texts/ui/zh-CN.json' with { type: 'json' };
import zhTW from '../../../../checks/texts/ui/zh-TW.json' with { type: 'json' };
import { Domain, Venue } from '../../../../contracts/finding.ts';
import { BlindCause, NotApplicableReason, Outcome } from '../../../../contracts/outcome.ts';
import { Enforcement } from '../../../../contracts/policy.ts';
import { Progress } from '../../../../contracts/progress.ts';
import { Standing } from '../../../../contracts/verdict.ts';

const catalogues: Record<Locale, Record<string, string>> = { en, 'zh-TW': zhTW, 'zh-CN': zhCN, ko };

const argsOf = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();

describe('ui catalogues', () => {
  it.each(locales)('%s has the keys of English, in the same order', (locale) => {
    expect(Object.keys(catalogues[locale])).toEqual(Object.keys(en));
  });

  it.each(locales)('%s shows the args of English and no empty text', (locale) => {
    const shape = (catalogue: Record<string, string>) =>
      Object.fromEntries(Object.entries(catalogue).map(([key, text]) => [key, argsOf(text)]));
    expect(shape(catalogues[locale])).toEqual(shape(en));
    expect(Object.entries(catalogues[locale]).filter(([, text]) => text.trim() === '')).toEqual([]);
  });

  it('has a text for every member of every closed list', () => {
    const kinds = Outcome.options.map((option) => option.shape.kind.value);
    const steps = Progress.options.flatMap((option) =>
      option.shape.kind.value === 'endpoint' && 'step' in option.shape ? option.shape.step.options : [],
    );
    expect(steps).toContain('dns');
    const wanted = [
      ...BlindCause.options.flatMap((cause) => [`unknown.${cause}`, `unknown.${cause}.fix`]),
      ...NotApplicableReason.options.map((because) => `not-applicable.${because}`),
      ...Standing.options.flatMap((standing) => [`headline.${standing}`, `standing.${standing}`, `next.${standing}`]),
      ...Enforcement.options.flatMap((enforcement) => [`enforcement.${enforcement}`, `section.${enforcement}`]),
      ...kinds.map((kind) => `outcome.${kind}`),
      ...Domain.options.map((domain) => `domain.${domain}`),
      ...Venue.options.map((venue) => `venue.${venue}`),
      ...steps.map((step) => `step.${step}`),
    ];
    expect(wanted.filter((key) => !Object.hasOwn(en, key))).toEqual([]);
  });

  it('is plain ASCII in English, for terminals that show nothing else', () => {
    const ofTheApp = /^(app|ccp|notice|tray)\./;
    expect(Object.entries(en).filter(([key, text]) => !ofTheApp.test(key) && !/^[ -~]+$/.test(text))).toEqual([]);
  });
});

describe('matchLocale', () => {
  it.each([
    ['en', 'en'],
    ['en-GB', 'en'],
    ['en_US.UTF-8', 'en'],
    ['zh', 'zh-CN'],
    ['zh-CN', 'zh-CN'],
    ['zh_CN.GB18030', 'zh-CN'],
    ['zh-SG', 'zh-CN'],
    ['zh-Hans', 'zh-CN'],
    ['zh-Hans-HK', 'zh-CN'],
    ['zh-TW', 'zh-TW'],
    ['ZH_tw.UTF-8', 'zh-TW'],
    ['zh-HK', 'zh-TW'],
    ['zh-MO', 'zh-TW'],
    ['zh-Hant', 'zh-TW'],
    ['zh-Hant-CN', 'zh-TW'],
    ['ko', 'ko'],
    ['ko_KR.UTF-8', 'ko'],
    ['ko_KR@dict', 'ko'],
    ['C', null],
    ['POSIX', null],
    ['fr-FR', null],
    ['english', null],
    ['', null],
  ])('%s -> %s', (requested, locale) => {
    expect(matchLocale(requested)).toBe(locale);
    expect(pickLocale(requested)).toBe(locale ?? 'en');
  });

  it('is English when nothing is asked for', () => expect(pickLocale(undefined)).toBe('en'));
});

describe('textsFor', () => {
  const text = (title: string, says: string, fix: string) => ({ title, what: '', why: '', reasons: { silent: { says, fix } } });
  const sample: Record<string, CheckTexts> = {
    'network.sample': {
      who: { silent: 'agent' },
      en: {
        ...text('Sample', 'Silent: {hosts}', 'Ask {whom} {hosts}'),
        reasons: { silent: { says: 'Silent: {hosts}', fix: 'Ask {whom} {hosts}' }, only: { says: 'Only English', fix: 'Fix' } },
      },
      'zh-TW': text('範例', '沒有回應：{hosts}', '詢問 {hosts}'),
      'zh-CN': text('示例', '', ''),
      ko: text('예', '', ''),
    },
  };
  const of = (locale: Locale) => textsFor(locale, sample);

  it('fills args in, and leaves what it was not given', () => {
    const outcome = { kind: 'fail', reason: 'silent', args: { hosts: 'a{whom}$&' } } as const;
    expect(of('en').outcome('network.sample', outcome)).toEqual({ says: 'Silent: a{whom}$&', fix: 'Ask {whom} a{whom}$&', who: 'agent' });
    expect(of('zh-TW').outcome('network.sample', outcome)).toEqual({ says: '沒有回應：a{whom}$&', fix: '詢問 a{whom}$&', who: 'agent' });
  });

  it('falls back to English, then to the bare code', () => {
    expect(of('zh-TW').reason('network.sample', 'only')).toEqual({ says: 'Only English', fix: 'Fix', who: null });
    expect(of('zh-TW').reason('network.sample', 'gone').says).toContain('gone');
    expect(of('zh-TW').title('network.unknown')).toBe('network.unknown');
    expect(of('en').reason('network.sample', 'constructor').says).toContain('constructor');
    expect(of('en').title('constructor')).toBe('constructor');
  });

  it('says what settles an inconclusive look, where the check knows', () => {
    const knowing = (locale: Locale) =>
      textsFor(locale, { 'network.sample': { ...(sample['network.sample'] as CheckTexts), en: { ...text('', '', ''), unsure: 'Call.' } } });
    const unsure = { kind: 'unknown', cause: 'inconclusive', detail: '' } as const;
    expect(knowing('en').outcome('network.sample', unsure).fix).toBe('Call.');
    expect(knowing('ko').outcome('network.sample', unsure).fix).toBe('Call.');
    expect(knowing('en').outcome('network.sample', { ...unsure, cause: 'crashed' }).fix).toBe(en['unknown.crashed.fix']);
    expect(of('en').outcome('network.sample', unsure).fix).toBe(en['unknown.inconclusive.fix']);
  });

  it('says why it could not look and who mends that', () => {
    const texts = of('ko').outcome('network.sample', { kind: 'unknown', cause: 'no-session', detail: '' });
    expect(texts).toEqual({ says: ko['unknown.no-session'], fix: ko['unknown.no-session.fix'], who: 'agent' });
    expect(of('en').outcome('network.sample', { kind: 'not-applicable', because: 'proxied' })).toEqual({
      says: en['not-applicable.proxied'],
      fix: null,
      who: null,
    });
  });
});
