/** Starts every sentence that a person still has to write; a contract test refuses texts that carry it. */
export const fillInMark = 'FILL-IN:';

const areas: Readonly<Record<string, string>> = {
  network: 'network',
  tls: 'encryption-in-transit',
  browser: 'endpoint-security',
  softphone: 'call-quality',
  device: 'endpoint-security',
};

/** Sees nothing and judges nothing, so that its cases fail until it does. */
export function checkSource(id: string): string {
  const domain = id.slice(0, id.indexOf('.'));
  return `import { z } from 'zod';
import { defineCheck } from '../check.ts';

export default defineCheck({
  id: '${id}',
  revision: 1,
  venue: 'daemon',
  layer: 'workstation',
  responsibility: 'yours',
  area: '${areas[domain]}',
  controls: [],
  timeoutMs: 10_000,
  rule: { everyMs: 300_000, settleMs: 30_000, graceMs: 0, on: { fail: 'warn', degraded: 'note', unknown: 'note' } },
  params: z.strictObject({}),
  evidence: z.strictObject({
    found: z.boolean().nullable().describe('${fillInMark} what was observed; null when it was not looked at').meta({ class: 'internal' }),
  }),
  reasons: ['missing'],

  async probe() {
    return { seen: false, cause: 'unsupported', detail: '${fillInMark} the probe of ${id}' };
  },

  evaluate() {
    return { kind: 'unknown', cause: 'unsupported', detail: '${fillInMark} the evaluate of ${id}' };
  },
});
`;
}

export function casesSource(id: string): string {
  const [domain = '', name = ''] = id.split('.');
  return `import check from '../../../checks/${domain}/${name}.check.ts';
import { defineCases } from '../define-cases.ts';

export default defineCases(check, [
  { name: 'found', evidence: { found: true }, outcome: { kind: 'pass' } },
  { name: 'not there', evidence: { found: false }, outcome: { kind: 'fail', reason: 'missing', args: {} } },
  {
    name: 'not looked at',
    evidence: { found: null },
    outcome: { kind: 'unknown', cause: 'not-collected', detail: 'not looked at' },
  },
]);
`;
}

export function textsSource(locales: readonly string[]): string {
  const text = {
    title: `${fillInMark} a few words`,
    what: `${fillInMark} what is so when the check passes, in one sentence`,
    why: `${fillInMark} what goes wrong for the agent when it is not so`,
    reasons: { missing: { says: `${fillInMark} what is so`, fix: `${fillInMark} what to do` } },
  };
  return JSON.stringify({ who: { missing: 'it' }, ...Object.fromEntries(locales.map((locale) => [locale, text])) });
}
