import { describe, expect, it } from 'vitest';
import { renderJunit } from '../../../../agent/cli/junit.ts';
import { RuleId } from '../../../../contracts/finding.ts';
import { fakePolicy, fakeRule } from '../../../fakes/fake-policy.ts';
import { blockedRun, sampleFacts, sampleTextsIn } from './sample-run.ts';

interface Element {
  name: string;
  attributes: Record<string, string>;
}

/** Refuses what is not well-formed, as far as this report's kind of XML goes. */
function parseXml(xml: string): Element[] {
  const elements: Element[] = [];
  const open: string[] = [];
  let at = xml.indexOf('?>') + 2;
  expect(xml.slice(0, at)).toBe('<?xml version="1.0" encoding="UTF-8"?>');
  const token = /([^<&]|&(?:amp|lt|gt|quot|apos);)|<\/([a-z-]+)>|<([a-z-]+)((?: [a-z]+="(?:[^<&"]|&(?:amp|lt|gt|quot|apos);)*")*)(\/?)>/y;
  while (at < xml.length) {
    token.lastIndex = at;
    const [whole, , closed, name, attributes = '', selfClosed] = token.exec(xml) ?? [];
    if (whole === undefined) throw new Error(`not well-formed at ${at}: ${xml.slice(at, at + 40)}`);
    at = token.lastIndex;
    if (closed !== undefined) expect(open.pop()).toBe(closed);
    if (name === undefined) continue;
    elements.push({
      name,
      attributes: Object.fromEntries([...attributes.matchAll(/ ([a-z]+)="([^"]*)"/g)].map(([, key, value]) => [key, value])),
    });
    if (selfClosed !== '/') open.push(name);
  }
  expect(open).toEqual([]);
  return elements;
}

describe('renderJunit', () => {
  const elements = parseXml(renderJunit(blockedRun, sampleFacts, sampleTextsIn('en')));
  const named = (name: string) => elements.filter((element) => element.name === name);

  it('has a suite for each domain and a case for each rule', () => {
    expect(named('testsuites')[0]?.attributes).toEqual({
      name: 'deskwarden',
      tests: '12',
      failures: '2',
      errors: '2',
      skipped: '4',
      time: '4.210',
    });
    expect(named('testsuite').map(({ attributes }) => [attributes.name, attributes.tests])).toEqual([
      ['network', '8'],
      ['tls', '3'],
      ['softphone', '1'],
    ]);
    expect(named('testcase')).toHaveLength(12);
    expect(named('failure').map(({ attributes }) => attributes.type)).toEqual(['udp-blocked', 'intercepted']);
    expect(named('error').map(({ attributes }) => attributes.type)).toEqual(['inconclusive', 'timed-out']);
    expect(named('skipped')).toHaveLength(4);
  });

  it('counts a degraded outcome as a failure where the policy enforces it', () => {
    const policy = fakePolicy([fakeRule('network.allowlist-freshness')]);
    const xml = renderJunit(blockedRun, { ...sampleFacts, policy }, sampleTextsIn('en'));
    expect(parseXml(xml).filter(({ name }) => name === 'failure')[0]?.attributes.type).toBe('udp-blocked');
    expect(xml).toContain('type="degraded"');
  });

  it('is well-formed whatever strangers write', () => {
    const nasty = `]]>&amp;<b a='"'>\u0000\u0007\u001b[2J\ufffe\uffff\ud800 ${'\u202e'}x`;
    const findings = blockedRun.findings.map((finding) => ({
      ...finding,
      rule: RuleId.parse(finding.rule),
      outcome: { kind: 'fail' as const, reason: nasty, args: { hosts: nasty, issuer: nasty } },
    }));
    const xml = renderJunit({ ...blockedRun, findings }, sampleFacts, sampleTextsIn('zh-TW'));
    parseXml(xml);
    expect(/[\p{Cc}\p{Cs}\u202e\ufffe\uffff]/u.exec(xml.replaceAll('\n', ''))).toBeNull();
  });
});
