import check from '../../../checks/network/websocket.check.ts';
import { acmePlan } from '../acme-plan.ts';
import { defineCases } from '../define-cases.ts';

const host = 'abc.transport.connect.us-west-2.amazonaws.com';
const hosts = { transport: [host] };
const known = acmePlan({ network: { hosts, websocketAnswers: 'expected' } });
const unsure = acmePlan({ network: { hosts } });
const seen = (overrides: object = {}) => ({
  endpoints: [{ host, path: 'direct', status: 101, acceptOk: true, connected: true, code: null, server: null, ...overrides }],
});

export default defineCases(check, [
  { name: 'upgraded', evidence: seen(), plan: known, outcome: { kind: 'pass' } },
  {
    name: 'a proxy answers 200 instead',
    evidence: seen({ status: 200, acceptOk: false, server: 'nginx' }),
    plan: known,
    outcome: { kind: 'fail', reason: 'upgrade-refused', args: { hosts: host, status: 200 } },
  },
  {
    name: 'an upgrade with a wrong key',
    evidence: seen({ acceptOk: false }),
    plan: known,
    outcome: { kind: 'fail', reason: 'upgrade-forged', args: { hosts: host, status: 101 } },
  },
  {
    name: 'silence after the request',
    evidence: seen({ status: null, acceptOk: false, code: 'ETIMEDOUT' }),
    plan: known,
    outcome: { kind: 'fail', reason: 'upgrade-cut', args: { hosts: host, status: 0 } },
  },
  {
    name: 'a refusal of a host that may want credentials proves nothing',
    evidence: seen({ status: 403, acceptOk: false }),
    plan: unsure,
    outcome: { kind: 'unknown', cause: 'inconclusive', detail: `${host} answered 403 to an upgrade without credentials` },
  },
  {
    name: 'no connection: other checks say why',
    evidence: seen({ status: null, acceptOk: false, connected: false, code: 'ECONNREFUSED' }),
    plan: known,
    outcome: { kind: 'unknown', cause: 'inconclusive', detail: `no connection to ${host}` },
  },
  {
    name: 'evidence of an older, shorter plan',
    evidence: seen(),
    plan: acmePlan({ network: { hosts: { transport: [host, 'def.transport.connect.us-west-2.amazonaws.com'] } } }),
    outcome: { kind: 'unknown', cause: 'not-collected', detail: 'not looked at: def.transport.connect.us-west-2.amazonaws.com' },
  },
  {
    name: 'a host that the plan no longer names is left out',
    evidence: {
      endpoints: [...seen().endpoints, { ...seen().endpoints[0], host: 'old.example.com', status: 403, acceptOk: false }],
    },
    plan: known,
    outcome: { kind: 'pass' },
  },
  {
    name: 'AWS documents only a wildcard, and the policy names no host',
    evidence: { endpoints: [] },
    outcome: { kind: 'not-applicable', because: 'no-documented-host' },
  },
]);
