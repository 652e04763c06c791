import { stringify } from 'yaml';
import { canary, transportHost } from './world.ts';

export interface LabPolicy {
  schema: 1;
  id: string;
  instance: { alias: string; region: string };
  network: {
    proxy?: string;
    turnAnswers?: 'expected';
    websocketAnswers: 'expected';
    hosts: Record<string, string[]>;
    extraRoots: string[];
  };
  rules: { check: string; params: Record<string, unknown> }[];
}

export function labPolicy(rootPem: string): LabPolicy {
  return {
    schema: 1,
    id: 'lab',
    instance: { alias: 'acme', region: 'us-west-2' },
    network: {
      turnAnswers: 'expected',
      websocketAnswers: 'expected',
      hosts: {
        transport: [transportHost],
        telemetry: ['lab.telemetry.connect.us-west-2.amazonaws.com'],
        'static-connect': ['lab.static.connect.aws'],
      },
      extraRoots: [rootPem],
    },
    rules: [
      { check: 'network.egress-canary', params: { canaries: [{ host: canary.host, port: 443 }] } },
      // The lab does not age with the allowlist: a year-old checkout must still pass.
      { check: 'network.allowlist-freshness', params: { warnAfterDays: 3_650, failAfterDays: 36_500 } },
    ],
  };
}

export function policyText(policy: LabPolicy): string {
  return stringify(policy);
}
