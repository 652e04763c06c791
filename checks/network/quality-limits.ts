import type { Vantage } from '../../contracts/finding.ts';
import { QualityLimits } from '../../contracts/local-api.ts';
import type { Rule } from '../../contracts/policy.ts';
import mediaQuality from './media-quality.check.ts';

/** Against what a policy's rules measure calls on a desk of this vantage, by the first of them; null where none does. */
export function qualityLimits(rules: readonly Pick<Rule, 'check' | 'params' | 'vantage'>[], vantage: Vantage): QualityLimits | null {
  const isHere = (rule: Pick<Rule, 'vantage'>) => rule.vantage === undefined || rule.vantage === vantage;
  const rule = rules.find((one) => one.check === mediaQuality.id && isHere(one));
  const params = rule && mediaQuality.params.safeParse(rule.params);
  return params?.success ? QualityLimits.strip().parse(params.data) : null;
}
