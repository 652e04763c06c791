import { describe, expect, it } from 'vitest';
import { textsFor } from '../../../checks/texts/lookup.ts';
import type { Snapshot } from '../../../contracts/local-api.ts';
import { fixOrder, whatIsFine } from '../../../renderer/posture/model/fix-order.ts';
import { at, behind, cause, desk, finding, noRoute, ruleId, states, verdict, withFindings } from '../../e2e/posture/desk-states.ts';

const texts = textsFor('en');

function told(changed: Partial<Snapshot>): Snapshot {
  return desk(changed).snapshot ?? expect.unreachable();
}
const ordered = (changed: Partial<Snapshot>) =>
  fixOrder(told(changed), texts).map(({ check, urgency, who }) => `${urgency} ${who} ${check}`);

const intercepted = finding('tls.interception', { kind: 'fail', reason: 'intercepted', args: {} });
const stripped = finding('network.websocket', { kind: 'unknown', cause: 'timed-out', detail: '' });

describe('fixOrder', () => {
  it('puts what the agent can mend before what waits for IT', () => {
    expect(
      ordered({
        verdict: verdict('blocked', { causes: [cause('tls.interception'), cause('network.turn-udp')] }),
        findings: withFindings(noRoute, intercepted),
      }),
    ).toEqual(['blocks agent network.turn-udp', 'blocks it tls.interception']);
  });

  it('puts what blocks now before what will block, whoever mends it, and then the sooner first', () => {
    expect(
      ordered({
        verdict: verdict('blocked', {
          causes: [cause('network.turn-udp', { blocksAt: at(9) }), cause('tls.clock-skew', { blocksAt: at(3) }), cause('tls.interception')],
        }),
        findings: withFindings(noRoute, behind, intercepted),
      }),
    ).toEqual(['blocks it tls.interception', 'will-block agent tls.clock-skew', 'will-block agent network.turn-udp']);
  });

  it('puts warnings and notes last, what could not be decided before them', () => {
    expect(
      ordered({
        verdict: verdict('undetermined', {
          causes: [cause('tls.interception', { enforcement: 'note' }), cause('tls.clock-skew', { enforcement: 'warn' })],
          undetermined: [ruleId('network.websocket')],
        }),
        findings: withFindings(behind, intercepted, stripped),
      }),
    ).toEqual(['undetermined it network.websocket', 'warn agent tls.clock-skew', 'note it tls.interception']);
  });

  it('gives a mild cause the weight of what it explains', () => {
    const folded = { causes: [cause('tls.clock-skew', { enforcement: 'warn', explains: [ruleId('network.turn-udp')] })] };
    const findings = withFindings(behind, noRoute);
    expect(ordered({ verdict: verdict('blocked', folded), findings })).toEqual(['blocks agent tls.clock-skew']);
    const [soon] = fixOrder(told({ verdict: verdict('caution', { ...folded, blocksAt: at(5) }), findings }), texts);
    expect([soon?.urgency, soon?.blocksAt]).toEqual(['will-block', at(5)]);
  });

  it('tells what is explained under its cause and nowhere else', () => {
    const snapshot = states.blocked.snapshot ?? expect.unreachable();
    const items = fixOrder(snapshot, texts);
    expect(items.map(({ check, explains }) => [check, explains.map((one) => one.check)])).toEqual([
      ['network.turn-udp', ['network.media-quality']],
      ['tls.interception', []],
      ['tls.clock-skew', []],
    ]);
    expect(items.map(({ waived }) => waived)).toEqual([false, false, true]);
    expect(items.map(({ waiver }) => waiver?.grantedBy)).toEqual([undefined, undefined, 'it@example.com']);
    // One that the daemon does not tell of still holds.
    const [unnamed] = fixOrder({ ...snapshot, waivers: [] }, texts).filter(({ waived }) => waived);
    expect(unnamed?.waiver).toBeNull();
    const { fine, apart } = whatIsFine(snapshot);
    expect(apart.map(({ check }) => check)).toEqual(['network.egress-canary']);
    expect([...fine, ...apart].length + 4).toBe(snapshot.findings.length);
  });

  it('knows what passes again and still counts', () => {
    const [item] = fixOrder(
      told({ verdict: verdict('blocked', { causes: [cause('network.turn-udp')] }), findings: withFindings() }),
      texts,
    );
    expect([item?.recovering, item?.who]).toEqual([true, null]);
  });

  it('says nothing without a verdict', () => {
    expect(fixOrder(told({ verdict: null }), texts)).toEqual([]);
  });
});
