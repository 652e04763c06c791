import type { Allowlist } from '../contracts/allowlist.ts';
import type { CheckId } from '../contracts/finding.ts';
import { RuleId } from '../contracts/finding.ts';
import type { Problem } from '../contracts/parse.ts';
import { parseUnknown } from '../contracts/parse.ts';
import type { Policy, PolicyFile, Rule, RulePatch } from '../contracts/policy.ts';
import type { AnyCheck, RecommendedRule } from './check.ts';
import { nearest } from './nearest.ts';
import { reportingProblems } from './reporting-fields.ts';

const DEFAULT_RECOVER_RUNS = 2;

/** For a check this version lacks, whose recommendation is unknown: it can only be noted as unsupported. */
const unknownCheck: RecommendedRule = {
  everyMs: 60 * 60_000,
  settleMs: 0,
  graceMs: 0,
  on: { fail: 'note', degraded: 'note', unknown: 'note' },
};

/** Writes every rule out: what the checks recommend, with the file's patches on top, in the order of both. */
export function resolvePolicy(file: PolicyFile, checks: readonly AnyCheck[]): Policy {
  const { base, rules: patches, ...shared } = file;
  const listed = base === 'built-in' ? checks.map((check) => recommended(ruleIdOf({ check: check.id }), check.id, checks)) : [];
  const rules = new Map(listed.map((rule) => [rule.id, rule]));
  for (const patch of patches) {
    const id = ruleIdOf(patch);
    const known = rules.get(id);
    rules.set(id, patched(known?.check === patch.check ? known : recommended(id, patch.check, checks), patch));
  }
  return { ...shared, rules: [...rules.values()] };
}

function ruleIdOf(patch: Pick<RulePatch, 'id' | 'check'>): RuleId {
  return patch.id ?? RuleId.parse(patch.check);
}

function recommended(id: RuleId, check: CheckId, checks: readonly AnyCheck[]): Rule {
  const { everyMs, settleMs, graceMs, recoverRuns, on } = checks.find((one) => one.id === check)?.rule ?? unknownCheck;
  return {
    id,
    check,
    params: {},
    everyMs,
    settleMs,
    graceMs,
    recoverRuns: recoverRuns ?? DEFAULT_RECOVER_RUNS,
    critical: false,
    on: { ...on },
  };
}

function patched(rule: Rule, patch: RulePatch): Rule {
  const vantage = patch.vantage ?? rule.vantage;
  return {
    id: rule.id,
    check: rule.check,
    params: { ...rule.params, ...patch.params },
    everyMs: patch.everyMs ?? rule.everyMs,
    settleMs: patch.settleMs ?? rule.settleMs,
    graceMs: patch.graceMs ?? rule.graceMs,
    recoverRuns: patch.recoverRuns ?? rule.recoverRuns,
    critical: patch.critical ?? rule.critical,
    ...(vantage && { vantage }),
    on: {
      fail: patch.on?.fail ?? rule.on.fail,
      degraded: patch.on?.degraded ?? rule.on.degraded,
      unknown: patch.on?.unknown ?? rule.on.unknown,
    },
  };
}

/** What the schema cannot see in a policy file: names and parameters that this version or this allowlist lacks. */
export function policyProblems(file: PolicyFile, checks: readonly AnyCheck[], allowlist: Allowlist): Problem[] {
  return [
    ...regionProblems(file, allowlist),
    ...rowProblems(file, allowlist),
    ...ruleProblems(file, checks),
    ...reportingProblems(file, checks),
  ];
}

/**
 * The same for a policy whose every rule is written out, as the fleet signs it. A rule of a check that this version lacks
 * is no mistake there: the fleet may be newer, and the desk tells that it could not look.
 */
export function signedPolicyProblems(policy: Policy, checks: readonly AnyCheck[], allowlist: Allowlist): Problem[] {
  const ids = policy.rules.map(({ id }) => id);
  const rules = policy.rules.flatMap((rule, index) => {
    const at = ['rules', index] as const;
    const twice = ids.indexOf(rule.id) < index ? [{ path: [...at, 'id'], message: `another rule has the id "${rule.id}" already` }] : [];
    const check = checks.find((one) => one.id === rule.check);
    if (!check) return twice;
    return [...twice, ...cadenceProblems(check, rule, [...at, 'everyMs']), ...paramProblems(check, rule.params, [...at, 'params'])];
  });
  return [...regionProblems(policy, allowlist), ...rowProblems(policy, allowlist), ...rules];
}

type Site = Pick<Policy, 'instance' | 'features' | 'network'>;

function regionProblems({ instance, features }: Site, allowlist: Allowlist): Problem[] {
  const { region, govCloud } = instance;
  const facts = allowlist.regions[region];
  const pair = allowlist.resiliencyPairs.find((regions) => regions.includes(region));
  if (facts?.status === 'replica-only') {
    const source = pair?.find((other) => other !== region);
    const message = `Region ${region} serves as a replica only: name the source Region and set features.globalResiliency`;
    return [{ path: ['instance', 'region'], message: source ? `${message} (its source Region is ${source})` : message }];
  }
  if (facts?.status !== 'documented') {
    const documented = Object.keys(allowlist.regions).filter((name) => allowlist.regions[name]?.status === 'documented');
    const message = `AWS documents no endpoints of Amazon Connect for Region "${region}": use one of ${documented.join(', ')}`;
    return [{ path: ['instance', 'region'], message }];
  }
  const problems: Problem[] = [];
  const isGov = facts.partition === 'aws-us-gov';
  if (govCloud !== isGov) {
    const message = `govCloud must be ${isGov} for Region ${region}, which is ${isGov ? '' : 'not '}in AWS GovCloud (US)`;
    problems.push({ path: ['instance', 'govCloud'], message });
  }
  if (features.globalResiliency && !pair) {
    const pairs = allowlist.resiliencyPairs.map((regions) => regions.join(' and ')).join(', ');
    const message = `globalResiliency must be false for Region ${region}, which has no paired Region; pairs are ${pairs}`;
    problems.push({ path: ['features', 'globalResiliency'], message });
  }
  return problems;
}

function rowProblems({ network }: Site, allowlist: Allowlist): Problem[] {
  const rows = allowlist.rows.map((row) => row.id);
  const named = [
    ...Object.keys(network.hosts).map((row) => ({ row, path: ['network', 'hosts', row] })),
    ...network.optional.map((row, index) => ({ row, path: ['network', 'optional', index] })),
  ];
  return named
    .filter(({ row }) => !rows.includes(row))
    .map(({ row, path }) => ({ path, message: `the allowlist has no row "${row}"${didYouMean(row, rows)}` }));
}

function ruleProblems(file: PolicyFile, checks: readonly AnyCheck[]): Problem[] {
  const taken = new Set<RuleId>();
  return file.rules.flatMap((patch, index) => {
    const problems: Problem[] = [];
    const at = ['rules', index] as const;
    const id = ruleIdOf(patch);
    const idPath = [...at, patch.id === undefined ? 'check' : 'id'];
    if (taken.has(id)) {
      problems.push({ path: idPath, message: `another rule has the id "${id}" already: give this one an id of its own` });
    } else if (id !== ruleIdOf({ check: patch.check }) && checks.some((check) => ruleIdOf({ check: check.id }) === id)) {
      problems.push({ path: idPath, message: `the id "${id}" belongs to the rule of check ${id}: give this one another` });
    }
    taken.add(id);
    const check = checks.find((one) => one.id === patch.check);
    if (check) {
      return [
        ...problems,
        ...cadenceProblems(check, patch, [...at, 'everyMs']),
        ...paramProblems(check, patch.params ?? {}, [...at, 'params']),
      ];
    }
    const names = checks.map((one) => one.id);
    return [...problems, { path: [...at, 'check'], message: `there is no check "${patch.check}"${didYouMean(patch.check, names)}` }];
  });
}

/** A rule that is due more often than its check may look would be stale most of the time. */
function cadenceProblems({ id, minIntervalMs }: AnyCheck, { everyMs }: Pick<RulePatch, 'everyMs'>, path: Problem['path']): Problem[] {
  if (everyMs === undefined || everyMs >= minIntervalMs) return [];
  return [{ path, message: `everyMs of ${id} must be at least ${minIntervalMs}: its probe loads servers that are not yours` }];
}

function paramProblems(check: AnyCheck, params: Record<string, unknown>, base: Problem['path']): Problem[] {
  const parsed = parseUnknown(check.params, params);
  const hint = `see "deskwarden explain ${check.id}"`;
  if (!parsed.ok) {
    return parsed.problems.map(({ path, message }) => ({
      path: [...base, ...path],
      message: `${['params', ...path].join('.')} of ${check.id}: ${message}; ${hint}`,
    }));
  }
  // A schema that is not strict drops the keys it does not know without a word.
  const kept = Object.keys(Object(parsed.value));
  return Object.keys(params)
    .filter((key) => !kept.includes(key))
    .map((key) => ({ path: [...base, key], message: `params.${key} of ${check.id}: unknown key "${key}"; ${hint}` }));
}

function didYouMean(name: string, known: readonly string[]): string {
  const meant = nearest(name, known);
  return meant === null ? '' : `; did you mean "${meant}"?`;
}
