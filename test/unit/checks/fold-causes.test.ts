import fc from 'fast-check';
import { expect, test } from 'vitest';
import { foldCauses, type Hit } from '../../../checks/fold-causes.ts';
import { CheckId, RuleId } from '../../../contracts/finding.ts';

const BLOCKS_AT = '2026-01-01T00:00:00.000Z';
const id = (name: string) => CheckId.parse(`network.${name}`);

function hit(name: string, enforcement: Hit['enforcement'] = 'warn', blocksAt: string | null = null, rule = name): Hit {
  return { rule: RuleId.parse(rule), check: id(name), enforcement, blind: false, blocksAt, waiver: null };
}

const blind = (name: string): Hit => ({ ...hit(name, 'note'), blind: true });

function needsOf(table: Record<string, string[]>) {
  return new Map(Object.entries(table).map(([name, needed]) => [id(name), needed.map(id)]));
}

test.each<[string, Hit[], Record<string, string[]>, [string, string[]][]]>([
  ['nothing', [], { b: ['a'] }, []],
  [
    'without needs every hit is a root',
    [hit('a'), hit('b')],
    {},
    [
      ['a', []],
      ['b', []],
    ],
  ],
  ['a consequence stands under its root', [hit('b'), hit('a')], { b: ['a'] }, [['a', ['b']]]],
  ['folding goes across a check that is fine', [hit('a'), hit('c')], { c: ['b'], b: ['a'] }, [['a', ['c']]]],
  ['a chain folds under its last root alone', [hit('a'), hit('b'), hit('c')], { c: ['b'], b: ['a'] }, [['a', ['b', 'c']]]],
  [
    'two roots of one hit: the first explains it',
    [hit('a'), hit('b'), hit('c')],
    { c: ['b', 'a'] },
    [
      ['a', ['c']],
      ['b', []],
    ],
  ],
  [
    'what could not be looked at explains no failure',
    [blind('a'), hit('b', 'block')],
    { b: ['a'] },
    [
      ['b', []],
      ['a', []],
    ],
  ],
  ['what could not be looked at explains what could not either', [blind('a'), blind('b')], { b: ['a'] }, [['a', ['b']]]],
  ['a failure explains what could not be looked at', [hit('a'), blind('b'), hit('c')], { c: ['b'], b: ['a'] }, [['a', ['b', 'c']]]],
  ['checks that need each other: the first is the root', [hit('b'), hit('a')], { a: ['b'], b: ['a'] }, [['b', ['a']]]],
  ['a circle under a further root', [hit('a'), hit('b'), hit('c')], { a: ['b'], b: ['a', 'c'] }, [['c', ['a', 'b']]]],
  ['a check that needs itself', [hit('a')], { a: ['a'] }, [['a', []]]],
  [
    'two rules of one check explain each other not',
    [hit('a', 'warn', null, 'x'), hit('a', 'warn', null, 'y')],
    {},
    [
      ['x', []],
      ['y', []],
    ],
  ],
  [
    'causes are ordered by what they enforce, blocks in their grace after others',
    [hit('a', 'note'), hit('b', 'warn'), hit('c', 'block', BLOCKS_AT), hit('d', 'block')],
    {},
    [
      ['d', []],
      ['c', []],
      ['b', []],
      ['a', []],
    ],
  ],
  [
    'a lenient root weighs as much as what it explains',
    [hit('b', 'warn'), hit('a', 'note'), hit('c', 'block')],
    { c: ['a'] },
    [
      ['a', ['c']],
      ['b', []],
    ],
  ],
  [
    'of equal causes the one that explains more comes first',
    [hit('a'), hit('b'), hit('c')],
    { c: ['b'] },
    [
      ['b', ['c']],
      ['a', []],
    ],
  ],
])('%s', (_name, hits, needs, expected) => {
  expect(foldCauses(hits, needsOf(needs)).map((cause) => [cause.rule, cause.explains])).toEqual(expected);
});

test('a cause keeps what its own rule enforces', () => {
  const { blind: _, ...own } = hit('a', 'block', BLOCKS_AT);
  expect(foldCauses([{ ...own, blind: false }, hit('b', 'block')], needsOf({ b: ['a'] }))).toEqual([{ ...own, explains: ['b'] }]);
});

test('every hit appears exactly once, whatever needs say', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'd', 'e');
  const needs = fc.dictionary(name, fc.array(name, { maxLength: 4 }));
  fc.assert(
    fc.property(fc.array(name, { maxLength: 10 }), needs, (names, table) => {
      const hits = names.map((one, index) => hit(one, 'warn', null, `rule-${index}`));
      const told = foldCauses(hits, needsOf(table)).flatMap((cause) => [cause.rule, ...cause.explains]);
      expect(told.sort()).toEqual(hits.map((one) => one.rule).sort());
    }),
  );
});
