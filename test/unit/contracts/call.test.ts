import { expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import { answer, type Client, call, event, type Handlers, type Result } from '../../../contracts/call.ts';

const table = {
  recheck: call(z.strictObject({ check: z.enum(['network.a', 'network.b']) }), z.void(), ['too-soon']),
  broken: call(z.void(), z.number(), []),
  changed: event(z.strictObject({ standing: z.string() })),
};

const handlers: Handlers<typeof table> = {
  recheck: async ({ check }) =>
    check === 'network.a' ? { ok: true, value: undefined } : { ok: false, error: { code: 'too-soon', detail: '1 s' } },
  broken: async () => {
    throw new Error('with the path of a file');
  },
};

it.each([
  ['a value', 'recheck', { check: 'network.a' }, { ok: true, value: undefined }],
  ["the call's own fault", 'recheck', { check: 'network.b' }, { ok: false, error: { code: 'too-soon', detail: '1 s' } }],
  ['a request that does not parse', 'recheck', { check: 'rm -rf' }, { ok: false, error: { code: 'bad-request' } }],
  ['a key nobody knows', 'recheck', { check: 'network.a', more: 1 }, { ok: false, error: { code: 'bad-request' } }],
  ['no such call', 'nothing', {}, { ok: false, error: { code: 'bad-request', detail: 'no call "nothing"' } }],
  ['a name of every object', '__proto__', {}, { ok: false, error: { code: 'bad-request' } }],
  ['an event is no call', 'changed', { standing: 'clear' }, { ok: false, error: { code: 'bad-request' } }],
  ['what a handler throws stays inside', 'broken', undefined, { ok: false, error: { code: 'internal', detail: '"broken" failed' } }],
])('answers with %s', async (_name, name, raw, expected) => {
  expect(await answer(table, handlers, name, raw)).toMatchObject(expected);
});

it('types both sides by the table', () => {
  type Side = Client<typeof table>;
  expectTypeOf<Parameters<Side['recheck']>[0]>().toEqualTypeOf<{ check: 'network.a' | 'network.b' }>();
  expectTypeOf<Awaited<ReturnType<Side['recheck']>>>().toEqualTypeOf<Result<void, 'too-soon'>>();
  // @ts-expect-error a fault that is not in the table
  const wrong: Handlers<typeof table>['recheck'] = async () => ({ ok: false, error: { code: 'older-revision', detail: '' } });
  expect(wrong).toBeTypeOf('function');
});
