import type { Finding } from '../../contracts/finding.ts';
import type { Policy } from '../../contracts/policy.ts';
import { standingNow, type Verdict } from '../../contracts/verdict.ts';
import type { GateFacts } from '../gate/drive-gate.ts';
import type { StandingOrders } from './order-book.ts';

export interface DeskFacts {
  verdict: Verdict;
  findings: readonly Finding[];
  standing: StandingOrders;
  enrolled: boolean;
  released: { untilMs: number } | null;
  /** Users with a session. */
  agents: readonly number[];
  wallMs: number;
}

/** What of the desk the gate goes by. Pure. */
export function gateFacts({ verdict, findings, standing, enrolled, released, agents, wallMs }: DeskFacts): GateFacts {
  const { orders, scope, signed } = standing;
  const { policy, vantage } = orders;
  const blocking = new Set(verdict.causes.filter((cause) => cause.enforcement === 'block').map((cause) => cause.rule));
  return {
    standing: standingNow(verdict, wallMs),
    criticalBlock: policy.rules.some((rule) => rule.critical && blocking.has(rule.id)),
    trouble: findings.some((finding) => mayBlock(finding, policy)),
    policy,
    policySigned: signed,
    enrolled,
    vantage,
    released,
    scope,
    agentUids: agents.filter((uid) => !policy.gate.exemptUids.includes(uid)),
  };
}

function mayBlock({ rule, outcome }: Finding, { rules }: Policy): boolean {
  const { kind } = outcome;
  if (kind === 'pass' || kind === 'not-applicable') return false;
  return rules.find((one) => one.id === rule)?.on[kind] === 'block';
}
