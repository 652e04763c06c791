import { type PolicyFacts, type PolicyRead, parsePolicyText } from '../../checks/policy-text.ts';
import { readPolicySource } from './policy-source.ts';

export async function readPolicyFile(path: string, facts: PolicyFacts): Promise<PolicyRead> {
  const source = await readPolicySource(path);
  if (!source.ok) return { ok: false, problems: [{ line: 1, column: 1, key: '', message: source.message }] };
  return parsePolicyText(source.text, facts);
}
