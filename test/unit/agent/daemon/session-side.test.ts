import { describe, expect, it } from 'vitest';
import { ccpOf, turnOf } from '../../../../agent/daemon/session-side.ts';
import { Snapshot } from '../../../../contracts/local-api.ts';
import { CcpSettings } from '../../../../contracts/policy.ts';
import { acmePlan } from '../../../cases/acme-plan.ts';
import { fakePolicy } from '../../../fakes/fake-policy.ts';

const hosts = ['acme.my.connect.aws', 'acme.awsapps.com'];
const policy = (ccp: object = {}, alias: string | null = 'acme') =>
  fakePolicy([], {
    ccp: CcpSettings.parse(ccp),
    instance: { ...fakePolicy([]).instance, alias: alias ?? undefined } as ReturnType<typeof fakePolicy>['instance'],
  });

describe('what the CCP window opens', () => {
  it('is the CCP at its present address, and its old address is its own too', () => {
    expect(ccpOf(policy(), hosts)).toEqual({
      url: 'https://acme.my.connect.aws/ccp-v2/',
      origins: ['https://acme.my.connect.aws', 'https://acme.awsapps.com'],
      loginOrigins: [],
    });
  });

  it('is the policy’s own page around it, whose origin counts as the CCP’s', () => {
    const ccp = { page: 'https://desk.example.com:8443/ccp?team=1', loginOrigins: ['https://login.example.com'] };
    expect(ccpOf(policy(ccp), hosts)).toEqual({
      url: 'https://desk.example.com:8443/ccp?team=1',
      origins: ['https://acme.my.connect.aws', 'https://acme.awsapps.com', 'https://desk.example.com:8443'],
      loginOrigins: ['https://login.example.com'],
    });
  });

  it('is nothing where the policy names no instance', () => {
    expect(ccpOf(policy({}, null), [])).toEqual({ url: null, origins: [], loginOrigins: [] });
  });

  it('fits the snapshot, however many hosts there are', () => {
    const many = Array.from({ length: 40 }, (_, i) => `host-${i}.example.com`);
    expect(Snapshot.shape.ccp.safeParse(ccpOf(policy(), many)).success).toBe(true);
  });
});

describe('TURN servers that the session may ask', () => {
  it('are those of the plan, and nothing else of it', () => {
    const turn = turnOf(acmePlan());
    expect(turn.length).toBeGreaterThan(0);
    expect(turn.filter(({ host, port }) => port !== 3478 || !host.startsWith('TurnNlb-'))).toEqual([]);
    expect(Snapshot.shape.session.shape.turn.safeParse(turn).success).toBe(true);
  });

  it('are none on a desk without voice', () => expect(turnOf(acmePlan({ features: { voice: false } }))).toEqual([]));
});
