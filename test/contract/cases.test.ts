import { describe, expect, it } from 'vitest';
import { catalog } from '../../checks/catalog.ts';
import { casesPath, judgeCase, loadCases } from '../cases/load-cases.ts';

/** Evidence travels in reports of at most 16 KiB that hold every check's. */
const EVIDENCE_BYTES = 4 * 1024;

const tables = await Promise.all(catalog.map(async (check) => ({ check, table: await loadCases(check) })));

describe.each(tables)('$check.id', ({ check, table }) => {
  const cases = table?.cases ?? [];

  it('has a case table of its own', () => {
    expect(cases.length, `${casesPath(check.id)} must hold cases`).toBeGreaterThan(0);
    expect(table?.check, `${casesPath(check.id)} must be the table of ${check.id}`).toBe(check);
    expect(new Set(cases.map(({ name }) => name)).size, 'each case has a name of its own').toBe(cases.length);
  });

  it.each(cases)('$name', (row) => {
    expect(judgeCase(check, row)).toEqual(row.outcome);
  });

  it('keeps the evidence of each case small', () => {
    const sizes = cases.map(({ name, evidence }) => ({ name, bytes: Buffer.byteLength(JSON.stringify(evidence)) }));
    expect(sizes.filter(({ bytes }) => bytes > EVIDENCE_BYTES)).toEqual([]);
  });

  it('reaches each of its reasons by a case', () => {
    const reached = new Set(cases.flatMap(({ outcome }) => ('reason' in outcome ? [outcome.reason] : [])));
    const missing = check.reasons.filter((reason) => !reached.has(reason));
    expect(missing, `${casesPath(check.id)} needs a case for each of these reasons`).toEqual([]);
  });
});
