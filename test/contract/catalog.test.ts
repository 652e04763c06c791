import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fillInMark } from '../../build/new-check/templates.ts';
import { repoRoot } from '../../build/repo.ts';
import { catalog } from '../../checks/catalog.ts';
import type { AnyCheck, Ask } from '../../checks/check.ts';
import { evidenceFields, fieldClasses } from '../../checks/evidence-fields.ts';
import { retiredIds } from '../../checks/retired-ids.ts';
import { CheckId } from '../../contracts/finding.ts';
import { Outcome } from '../../contracts/outcome.ts';
import { Rule } from '../../contracts/policy.ts';
import { loadCases, planOf } from '../cases/load-cases.ts';
import { fakePlan } from '../fakes/fake-plan.ts';
import { arbitraryOf } from './arbitrary-evidence.ts';

/** Shorter than a second is no deadline for a machine under load; longer than a minute keeps a whole run waiting. */
const TIMEOUT_MS = { least: 1_000, most: 60_000 };

/** Ends the search for a smaller counterexample, too. */
const PROPERTY_MS = 5_000;

const ids = catalog.map((check) => check.id);

describe('the catalogue', () => {
  it('holds every check on disk once, sorted, each with the id of its path', async () => {
    const names = await readdir(path.join(repoRoot, 'checks'), { recursive: true });
    const checkFiles = names.filter((name) => name.endsWith('.check.ts')).map((name) => name.split(path.sep).join('/'));
    const onDisk = checkFiles.map((name) => name.replace(/\.check\.ts$/, '').replace('/', '.')).sort();
    expect(ids).toEqual(onDisk);
  });

  it('takes no retired id', () => {
    expect(ids.filter((id) => retiredIds.includes(id))).toEqual([]);
    expect(retiredIds.filter((id) => !CheckId.safeParse(id).success)).toEqual([]);
    expect(new Set(retiredIds).size).toBe(retiredIds.length);
  });

  it('has needs that exist and lead nowhere back', () => {
    expect(
      catalog.flatMap((check) => check.needs.filter((need) => !ids.includes(need)).map((need) => `${check.id} needs ${need}`)),
    ).toEqual([]);
    expect(ids.filter((id) => needsItself(id))).toEqual([]);
  });
});

function needsItself(id: string): boolean {
  const seen = new Set<string>();
  const queue = [id];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    for (const need of catalog.find((check) => check.id === next)?.needs ?? []) {
      if (need === id) return true;
      if (!seen.has(need)) queue.push(need);
      seen.add(need);
    }
  }
  return false;
}

describe.each(catalog.map((check) => ({ id: check.id, check })))('$id', ({ check }) => {
  it('is filled in', async () => {
    const name = `checks/${check.id.replace('.', '/')}.check.ts`;
    const lines = (await readFile(path.join(repoRoot, name), 'utf8')).split('\n');
    expect(
      lines.filter((line) => line.includes(fillInMark)).map((line) => line.trim()),
      `write these parts of ${name}`,
    ).toEqual([]);
  });

  it('states sound constants', () => {
    expect(check.revision).toBeGreaterThanOrEqual(1);
    expect(check.timeoutMs).toBeGreaterThanOrEqual(TIMEOUT_MS.least);
    expect(check.timeoutMs).toBeLessThanOrEqual(TIMEOUT_MS.most);
    expect(check.minIntervalMs, 'a rule may not ask more often than the check allows').toBeLessThanOrEqual(check.rule.everyMs);
    expect(check.platforms.length).toBeGreaterThan(0);
    expect(new Set(check.reasons).size, 'each reason once').toBe(check.reasons.length);
    expect(
      check.reasons.filter((reason) => !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(reason)),
      'reasons are kebab-case',
    ).toEqual([]);
    expect(
      check.controls.filter((tag) => !/^[a-z0-9][a-z0-9.-]*(:[\w.-]+)?$/i.test(tag)),
      'control tags',
    ).toEqual([]);
  });

  it('recommends a rule that a policy may hold, with params that all have defaults', () => {
    const { recoverRuns = 2, ...rest } = check.rule;
    const params = check.params.parse({}) as Record<string, unknown>;
    const rule = { id: check.id, check: check.id, params, recoverRuns, critical: false, ...rest };
    expect(Rule.safeParse(rule).error?.issues ?? []).toEqual([]);
  });

  it('classifies every field of its evidence', () => {
    const unclassified = evidenceFields(check.evidence).filter((field) => field.class === null);
    const how = `add .meta({ class }) with one of ${fieldClasses.join(', ')} to each of these fields or to what holds them`;
    expect(
      unclassified.map((field) => field.path),
      how,
    ).toEqual([]);
  });

  it('judges whatever fits its evidence schema, within the limits of an outcome', async () => {
    const asks = await knownAsks(check);
    const property = fc.property(
      arbitraryOf(check.evidence),
      // By number: a counterexample that holds a whole plan could not be read.
      fc.nat(asks.length - 1),
      fc.constantFrom('endpoint' as const, 'vdi-guest' as const),
      (evidence, askNumber, vantage) => {
        const { params, plan } = asks[askNumber] ?? { params: {}, plan: planOf({}) };
        const before = structuredClone(evidence);
        const outcome = check.judge(evidence, params, plan, vantage);
        if (!isDeepStrictEqual(Outcome.parse(outcome), outcome)) throw new Error('the outcome is not of the contract');
        if ('reason' in outcome && !check.reasons.includes(outcome.reason)) throw new Error(`unknown reason ${outcome.reason}`);
        if (!isDeepStrictEqual(check.judge(evidence, params, plan, vantage), outcome)) throw new Error('judged otherwise the second time');
        if (!isDeepStrictEqual(evidence, before)) throw new Error('evidence was changed');
      },
    );
    fc.assert(property, { numRuns: 300, interruptAfterTimeLimit: PROPERTY_MS });
  });
});

/** Plans and params under which the check has something to say: those of its own cases. */
async function knownAsks(check: AnyCheck): Promise<Ask<unknown>[]> {
  const cases = (await loadCases(check))?.cases ?? [];
  const told = cases.filter((row) => row.plan || row.params).map((row) => ({ params: row.params ?? {}, plan: planOf(row) }));
  return [{ params: {}, plan: fakePlan() }, { params: {}, plan: planOf({}) }, ...told];
}
