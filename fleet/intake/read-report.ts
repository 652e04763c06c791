import type { z } from 'zod';
import { Heartbeat } from '../../contracts/fleet-api.ts';
import { parseUnknown } from '../../contracts/parse.ts';
import { Report } from '../../contracts/report.ts';
import { FleetFault } from '../http/fault.ts';

const SCHEMA = 1;
/** Of PostgreSQL's `integer`. */
const MAX_INT = 2 ** 31 - 1;
/** Longer than any code of any check. */
const MAX_CODE = 200;
/** What PostgreSQL and people can both read. The schemas let four digits of a year through and UTC alone: texts compare as times. */
const FIRST = '1970-01-01';
const END = '9999-12-31T23:59:59';
const times = ['observedAt', 'since', 'lastPassAt'] as const;
const MAX_PATH = 400;

/** Refuses the whole report at its first fault, by the exact path: what is stored is what the desk said, or nothing. */
export function readReport(body: unknown, device: string): Report {
  const report = parse(Report, body);
  if (report.device !== device) throw new FleetFault('bad-request', 'of another device than the certificate', { path: 'device' });
  instant(report.madeAt, 'madeAt');
  instant(report.verdict.blocksAt, 'verdict.blocksAt');
  for (const [index, { from, until }] of report.releases.entries()) {
    instant(from, `releases.${index}.from`);
    instant(until, `releases.${index}.until`);
  }
  const rules = new Set<string>();
  for (const [index, finding] of report.findings.entries()) {
    if (rules.has(finding.rule)) throw new FleetFault('bad-request', 'a second finding of this rule', { path: `findings.${index}.rule` });
    rules.add(finding.rule);
    if (finding.revision > MAX_INT) throw new FleetFault('bad-request', 'too large', { path: `findings.${index}.revision` });
    const { outcome } = finding;
    if ('reason' in outcome && outcome.reason.length > MAX_CODE)
      throw new FleetFault('bad-request', `longer than ${MAX_CODE} characters`, { path: `findings.${index}.outcome.reason` });
    for (const key of times) if (!isOfThisAge(finding[key])) instant(finding[key], `findings.${index}.${key}`);
  }
  return report;
}

export function readHeartbeat(body: unknown): Heartbeat {
  const heartbeat = parse(Heartbeat, body);
  instant(heartbeat.sentAt, 'sentAt');
  return heartbeat;
}

function parse<S extends z.ZodType>(shape: S, body: unknown): z.output<S> {
  const schema = typeof body === 'object' && body !== null && 'schema' in body ? body.schema : undefined;
  if (typeof schema === 'number' && schema !== SCHEMA)
    throw new FleetFault('unsupported-schema', `this fleet reads schema ${SCHEMA}`, { path: 'schema' });
  const parsed = parseUnknown(shape, body);
  if (parsed.ok) return parsed.value;
  const [problem] = parsed.problems;
  const path = (problem?.path ?? []).join('.').slice(0, MAX_PATH);
  throw new FleetFault('bad-request', problem?.message ?? 'not as the schema says', { path });
}

function instant(value: string | null, path: string): void {
  if (!isOfThisAge(value)) throw new FleetFault('bad-request', 'not a time of this age', { path });
}

function isOfThisAge(value: string | null): boolean {
  return value === null || (value >= FIRST && value < END);
}
