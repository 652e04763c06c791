import { randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import type { Texts } from '../../checks/texts/lookup.ts';
import type { CheckId, Finding, RuleId } from '../../contracts/finding.ts';
import type { CheckDocument } from '../../contracts/report.ts';
import { cleanText } from './clean-text.ts';
import { titleOf, toldTo } from './finding-text.ts';
import type { RunFacts } from './verdict-sections.ts';

/** JUnit XML: one suite per domain, one case per rule. */
export function renderJunit(document: CheckDocument, run: RunFacts, texts: Texts): string {
  const cases = [
    ...document.findings.map((finding) => caseOf(finding, run, texts)),
    ...run.notRun.flatMap((rule) => {
      const check = run.policy.rules.find(({ id }) => id === rule)?.check;
      const ran = document.findings.some((finding) => finding.rule === rule);
      return check === undefined || ran ? [] : [skippedCase(rule, check, texts)];
    }),
  ];
  const suites = new Map<string, Case[]>();
  for (const one of cases) suites.set(one.domain, [...(suites.get(one.domain) ?? []), one]);
  const wholeMs = Date.parse(document.finishedAt) - Date.parse(document.startedAt);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="deskwarden" ${counts(cases)} time="${seconds(wholeMs)}">`,
    ...[...suites].flatMap(([domain, members]) => suiteLines(domain, members, document)),
    '</testsuites>',
    '',
  ].join('\n');
}

interface Case {
  domain: string;
  kind: 'passed' | 'failure' | 'error' | 'skipped';
  tookMs: number;
  lines: string[];
}

function caseOf({ rule, check, outcome, tookMs }: Finding, { policy }: RunFacts, texts: Texts): Case {
  const text = texts.outcome(check, outcome);
  const open = openTag(rule, check, tookMs, texts);
  const element = (kind: 'failure' | 'error', type: string, extra: string) => ({
    domain: domainOf(check),
    kind,
    tookMs,
    lines: [
      open,
      `      <${kind} type="${attribute(type)}" message="${attribute(text.says)}">${escapeXml(body(text, texts, extra))}</${kind}>`,
      '    </testcase>',
    ],
  });
  switch (outcome.kind) {
    case 'fail':
      return element('failure', outcome.reason, hostsOf(outcome.args));
    case 'degraded': {
      const enforced = policy.rules.find(({ id }) => id === rule)?.on.degraded ?? 'note';
      if (enforced !== 'note') return element('failure', 'degraded', hostsOf(outcome.args));
      const told = `      <system-out>${escapeXml(cleanText(text.says))}</system-out>`;
      return { domain: domainOf(check), kind: 'passed', tookMs, lines: [open, told, '    </testcase>'] };
    }
    case 'unknown':
      return element('error', outcome.cause, cleanText(outcome.detail));
    case 'not-applicable':
      return skipped(open, check, tookMs, text.says);
    default:
      return { domain: domainOf(check), kind: 'passed', tookMs, lines: [open.replace(/>$/, '/>')] };
  }
}

function skippedCase(rule: RuleId, check: CheckId, texts: Texts): Case {
  return skipped(openTag(rule, check, 0, texts), check, 0, texts.ui('section.not-run'));
}

function skipped(open: string, check: CheckId, tookMs: number, message: string): Case {
  const lines = [open, `      <skipped message="${attribute(message)}"/>`, '    </testcase>'];
  return { domain: domainOf(check), kind: 'skipped', tookMs, lines };
}

function openTag(rule: RuleId, check: CheckId, tookMs: number, texts: Texts): string {
  return `    <testcase classname="${attribute(check)}" name="${attribute(titleOf(texts, rule, check))}" time="${seconds(tookMs)}">`;
}

function body({ fix, who }: ReturnType<Texts['outcome']>, texts: Texts, extra: string): string {
  const told = fix === null ? '' : toldTo(texts, who, cleanText(fix));
  return [extra, told].filter((part) => part !== '').join('\n');
}

function hostsOf(args: Readonly<Record<string, unknown>>): string {
  return args.hosts === undefined ? '' : cleanText(String(args.hosts));
}

function suiteLines(domain: string, members: readonly Case[], { startedAt }: CheckDocument): string[] {
  const sumMs = members.reduce((sum, { tookMs }) => sum + tookMs, 0);
  const timestamp = startedAt.replace(/(\.\d+)?Z$/, '');
  return [
    `  <testsuite name="${attribute(domain)}" ${counts(members)} time="${seconds(sumMs)}" timestamp="${timestamp}">`,
    ...members.flatMap(({ lines }) => lines),
    '  </testsuite>',
  ];
}

function counts(cases: readonly Case[]): string {
  const of = (kind: Case['kind']) => cases.filter((one) => one.kind === kind).length;
  return `tests="${cases.length}" failures="${of('failure')}" errors="${of('error')}" skipped="${of('skipped')}"`;
}

function domainOf(check: CheckId): string {
  return check.slice(0, check.indexOf('.'));
}

function seconds(ms: number): string {
  return (Math.max(0, ms) / 1000).toFixed(3);
}

function attribute(text: string): string {
  return escapeXml(cleanText(text));
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' };

function escapeXml(text: string): string {
  return text.replace(/[\ufffe\uffff]/g, '').replace(/[&<>"']/g, (char) => entities[char] ?? char);
}

/** Writes a file whole or not at all: readers see the old one or the new one. */
export async function writeWhole(path: string, text: string): Promise<void> {
  const draftPath = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    const file = await open(draftPath, 'wx', 0o644);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draftPath, path);
  } catch (error) {
    await rm(draftPath, { force: true });
    throw error;
  }
}
