import { expect, test } from 'vitest';
import { type DecisionInput, decide } from '../../../checks/decide.ts';
import { CheckId, RuleId } from '../../../contracts/finding.ts';
import { standingNow, type Verdict } from '../../../contracts/verdict.ts';
import { fakePolicy, fakeRule } from '../../fakes/fake-policy.ts';
import { at, findingOf, NOW_WALL_MS, outcomes, situation, waiver } from './situation.ts';

const settling = fakeRule('network.a', { settleMs: 30_000 });
const graced = fakeRule('network.a', { graceMs: 60_000 });
const lenient = fakeRule('network.a', { on: { fail: 'warn', degraded: 'note', unknown: 'note' } });
const plain = fakeRule('network.a');

/** What a case expects beside the defaults of a clear verdict; a cause stands as [rule, enforcement, more]. */
type Expected = Partial<Omit<Verdict, 'causes'>> & {
  causes?: [string, string, { explains?: string[]; blocksAt?: string; waiver?: string }?][];
};

test.each<[string, DecisionInput, Expected]>([
  ['a pass', situation([[plain, [[0, 'pass']]]]), {}],
  ['not applicable', situation([[plain, [[0, 'idle']]]]), {}],
  ['a settled failure', situation([[plain, [[0, 'fail']]]]), { standing: 'blocked', causes: [['network.a', 'block']] }],
  ['a settled degradation', situation([[plain, [[0, 'slow']]]]), { standing: 'caution', causes: [['network.a', 'warn']] }],
  ['not being able to look', situation([[plain, [[0, 'blind']]]]), { standing: 'caution', causes: [['network.a', 'warn']] }],
  ['a note', situation([[lenient, [[0, 'slow']]]]), { causes: [['network.a', 'note']] }],
  [
    'a blip after a pass',
    situation([
      [
        settling,
        [
          [60_000, 'pass'],
          [0, 'fail'],
        ],
      ],
    ]),
    {},
  ],
  ['a first failure, not settled', situation([[settling, [[0, 'fail']]]]), { standing: 'undetermined', undetermined: [settling.id] }],
  ['a first failure of a rule that cannot block, not settled', situation([[{ ...lenient, settleMs: 30_000 }, [[0, 'fail']]]]), {}],
  [
    'a failure needs its own time to settle, whatever milder came before',
    situation([
      [
        settling,
        [
          [70_000, 'pass'],
          [60_000, 'slow'],
          [0, 'fail'],
        ],
      ],
    ]),
    { standing: 'caution', causes: [['network.a', 'warn']] },
  ],
  [
    'a failure that has never passed and needs its own time yet',
    situation([
      [
        settling,
        [
          [60_000, 'slow'],
          [0, 'fail'],
        ],
      ],
    ]),
    { standing: 'undetermined', undetermined: [RuleId.parse('network.a')] },
  ],
  [
    'a streak survives a change among outcomes that enforce alike',
    situation([
      [
        fakeRule('network.a', { settleMs: 30_000, on: { fail: 'block', degraded: 'block', unknown: 'block' } }),
        [
          [40_000, 'slow'],
          [20_000, 'blind'],
          [0, 'fail'],
        ],
      ],
    ]),
    { standing: 'blocked', causes: [['network.a', 'block']] },
  ],
  [
    'a block is not taken away by one run that could not look',
    situation([
      [
        plain,
        [
          [60_000, 'fail'],
          [0, 'blind'],
        ],
      ],
    ]),
    { standing: 'blocked', causes: [['network.a', 'block']] },
  ],
  [
    'nor held for ever by a failure that has turned milder',
    situation([
      [
        plain,
        [
          [60_000, 'fail'],
          [30_000, 'slow'],
          [0, 'slow'],
        ],
      ],
    ]),
    { standing: 'caution', causes: [['network.a', 'warn']] },
  ],
  [
    'a failure that time alone has made old is not settled',
    situation([
      [
        settling,
        [
          [100_000, 'pass'],
          [60_000, 'fail'],
        ],
      ],
    ]),
    {},
  ],
  [
    'recovering counts with the last bad outcome',
    situation([
      [
        plain,
        [
          [60_000, 'fail'],
          [0, 'pass'],
        ],
      ],
    ]),
    { standing: 'blocked', causes: [['network.a', 'block']] },
  ],
  [
    'recovered',
    situation([
      [
        plain,
        [
          [60_000, 'fail'],
          [30_000, 'pass'],
          [0, 'pass'],
        ],
      ],
    ]),
    {},
  ],
  [
    'in its grace, measured from when it settled',
    situation([[graced, [[20_000, 'fail']]]]),
    { standing: 'caution', causes: [['network.a', 'block', { blocksAt: at(40_000) }]], blocksAt: at(40_000) },
  ],
  [
    'past its grace',
    situation([
      [
        graced,
        [
          [60_000, 'fail'],
          [0, 'fail'],
        ],
      ],
    ]),
    { standing: 'blocked', causes: [['network.a', 'block']] },
  ],
  [
    'the earliest of two graces',
    situation([
      [graced, [[20_000, 'fail']]],
      [fakeRule('network.b', { graceMs: 60_000 }), [[30_000, 'fail']]],
    ]),
    {
      standing: 'caution',
      causes: [
        ['network.a', 'block', { blocksAt: at(40_000) }],
        ['network.b', 'block', { blocksAt: at(30_000) }],
      ],
      blocksAt: at(30_000),
    },
  ],
  ['a missing finding', situation([[plain, []]]), { standing: 'undetermined', undetermined: [plain.id] }],
  ['a missing finding of a rule that cannot block', situation([[lenient, []]]), {}],
  ['a finding just fresh', situation([[plain, [[180_000, 'pass']]]]), {}],
  ['a stale finding, even a bad one', situation([[plain, [[180_001, 'fail']]]]), { standing: 'undetermined', undetermined: [plain.id] }],
  ['a finding of another boot', situation([[plain, [[-1, 'pass']]]]), { standing: 'undetermined', undetermined: [plain.id] }],
  [
    'a finding of the check that the rule had before',
    situation([[plain, [[0, 'pass']]]], { findings: [{ ...findingOf(plain, outcomes.pass), check: CheckId.parse('network.z') }] }),
    { standing: 'undetermined', undetermined: [plain.id] },
  ],
  ['a rule of the other vantage', situation([[{ ...plain, vantage: 'vdi-guest' }, []]]), {}],
  [
    'a rule of this vantage',
    situation([[{ ...plain, vantage: 'endpoint' }, [[0, 'fail']]]]),
    { standing: 'blocked', causes: [['network.a', 'block']] },
  ],
  [
    'a check this desk lacks is noted, whatever the rule says',
    situation([[fakeRule('network.a', { on: { fail: 'block', degraded: 'block', unknown: 'block' } }), [[0, 'lacking']]]]),
    { causes: [['network.a', 'note']] },
  ],
  ['a check this desk lacks, not settled', situation([[settling, [[0, 'lacking']]]]), {}],
  [
    'a waiver turns a block into a warning',
    situation([[plain, [[0, 'fail']]]], { waivers: [waiver('network.a', 1)] }),
    {
      standing: 'caution',
      causes: [['network.a', 'warn', { waiver: '00000000-0000-4000-8000-000000000001' }]],
      waivers: ['00000000-0000-4000-8000-000000000001'],
    },
  ],
  [
    'a waiver ends with its time',
    situation([[plain, [[0, 'fail']]]], { waivers: [waiver('network.a', 0)] }),
    { standing: 'blocked', causes: [['network.a', 'block']] },
  ],
  [
    'a waiver of another rule',
    situation([[plain, [[0, 'fail']]]], { waivers: [waiver('network.b', 1)] }),
    { standing: 'blocked', causes: [['network.a', 'block']] },
  ],
  [
    'a waived rule that is missing holds nobody up',
    situation([[plain, []]], { waivers: [waiver('network.a', 1)] }),
    { waivers: ['00000000-0000-4000-8000-000000000001'] },
  ],
  [
    'of two waivers the longer is named',
    situation([[plain, [[0, 'pass']]]], {
      waivers: [waiver('network.a', 5), waiver('network.a', 9, '00000000-0000-4000-8000-000000000009'), waiver('network.a', 7)],
    }),
    { waivers: ['00000000-0000-4000-8000-000000000009'] },
  ],
  [
    'blocked outweighs undetermined, which is still told',
    situation([
      [plain, [[0, 'fail']]],
      [fakeRule('network.b'), []],
    ]),
    { standing: 'blocked', causes: [['network.a', 'block']], undetermined: [RuleId.parse('network.b')] },
  ],
  [
    'undetermined outweighs caution',
    situation([
      [lenient, [[0, 'fail']]],
      [fakeRule('network.b'), []],
    ]),
    { standing: 'undetermined', causes: [['network.a', 'warn']], undetermined: [RuleId.parse('network.b')] },
  ],
  [
    'a lenient root does not pardon a blocking consequence',
    situation(
      [
        [lenient, [[0, 'slow']]],
        [fakeRule('tls.b'), [[0, 'fail']]],
      ],
      {
        needs: new Map([[CheckId.parse('tls.b'), [CheckId.parse('network.a')]]]),
      },
    ),
    { standing: 'blocked', causes: [['network.a', 'note', { explains: ['tls.b'] }]] },
  ],
])('%s', (_name, input, { causes = [], ...expected }) => {
  expect(decide(input)).toEqual({
    policy: { id: 'test', revision: 1 },
    allowlist: { revision: 4 },
    standing: 'clear',
    undetermined: [],
    blocksAt: null,
    waivers: [],
    decidedAt: at(0),
    validUntil: at(60_000),
    ...expected,
    causes: causes.map(([rule, enforcement, more]) => ({
      rule,
      check: rule,
      enforcement,
      explains: [],
      blocksAt: null,
      waiver: null,
      ...more,
    })),
  });
});

test('a policy that asks for fewer good runs is obeyed at once', () => {
  const patient = situation([
    [
      fakeRule('network.a', { recoverRuns: 5 }),
      [
        [60_000, 'fail'],
        [30_000, 'pass'],
        [0, 'pass'],
      ],
    ],
  ]);
  expect(decide(patient).standing).toBe('blocked');
  expect(decide({ ...patient, policy: fakePolicy([plain]) }).standing).toBe('clear');
});

test('a verdict decides nothing once it has expired', () => {
  const verdict = decide(situation([[plain, [[0, 'pass']]]]));
  expect(standingNow(verdict, NOW_WALL_MS + 60_000)).toBe('clear');
  expect(standingNow(verdict, NOW_WALL_MS + 60_001)).toBe('undetermined');
});
