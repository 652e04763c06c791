import { describe, expect, it } from 'vitest';
import { parseUnknown } from '../../../contracts/parse.ts';
import { KeySet, MAX_BODY_LENGTH, MAX_REVISION, SignedDocument, VerificationKey } from '../../../contracts/signed-document.ts';

const x = '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo';
const jws = `${'e'.repeat(20)}..${'s'.repeat(85)}A`;
const good = {
  schema: 1,
  kind: 'policy',
  revision: 7,
  issuedAt: '2026-11-22T10:00:00Z',
  instance: { alias: 'acme', region: 'us-west-2' },
  body: '{}',
  jws,
};

function pathsOf(schema: Parameters<typeof parseUnknown>[0], value: unknown): string[] {
  const parsed = parseUnknown(schema, value);
  return parsed.ok ? [] : parsed.problems.map(({ path }) => path.join('.'));
}

describe('a signed document', () => {
  it.each([
    ['as it should be', {}, []],
    ['of another schema', { schema: 2 }, ['schema']],
    ['of a kind nobody knows', { kind: 'orders' }, ['kind']],
    ['without a revision', { revision: undefined }, ['revision']],
    ['of revision 0', { revision: 0 }, ['revision']],
    ['of a broken revision', { revision: 1.5 }, ['revision']],
    ['of the last revision', { revision: MAX_REVISION }, []],
    ['of a revision that no fleet counts to', { revision: MAX_REVISION + 1 }, ['revision']],
    ['of a revision that no number holds', { revision: 2 ** 53 }, ['revision', 'revision']],
    ['with an issue time of words', { issuedAt: 'yesterday' }, ['issuedAt']],
    ['for an alias with a dot', { instance: { alias: 'acme.evil', region: 'us-west-2' } }, ['instance.alias']],
    ['for an instance with more to it', { instance: { ...good.instance, id: 'x' } }, ['instance.id']],
    ['with a body that is no text', { body: {} }, ['body']],
    ['with the longest body', { body: 'x'.repeat(MAX_BODY_LENGTH) }, []],
    ['with a longer body', { body: 'x'.repeat(MAX_BODY_LENGTH + 1) }, ['body']],
    ['with the payload left in', { jws: jws.replace('..', '.e30.') }, ['jws']],
    ['with spare bits in the signature', { jws: jws.replace(/A$/, 'B') }, ['jws']],
    ['with padding', { jws: `${jws}==` }, ['jws']],
    ['with a short signature', { jws: jws.slice(0, -2) }, ['jws']],
    ['with an endless header', { jws: 'e'.repeat(2_000) + jws }, ['jws']],
    ['with a line break at its end', { jws: `${jws}\n` }, ['jws']],
    ['with a key nobody knows', { signature: '' }, ['signature']],
  ])('%s', (_name, change, paths) => {
    expect(pathsOf(SignedDocument, { ...good, ...change })).toEqual(paths);
  });
});

describe('a verification key', () => {
  it.each([
    ['raw', { kid: 'a', x }, []],
    ['a JWK', { kid: 'a', x, kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', use: 'sig' }, []],
    ['a JWK with its private part', { kid: 'a', x, kty: 'OKP', crv: 'Ed25519', d: x }, ['d']],
    ['of another curve', { kid: 'a', x, kty: 'OKP', crv: 'X25519' }, ['crv']],
    ['without an id', { x }, ['kid']],
    ['with an id of spaces', { kid: ' ', x }, ['kid']],
    ['of 31 bytes', { kid: 'a', x: x.slice(0, 42) }, ['x']],
    ['with spare bits', { kid: 'a', x: x.replace(/o$/, 'p') }, ['x']],
  ])('%s', (_name, key, paths) => {
    expect(pathsOf(VerificationKey, key)).toEqual(paths);
  });

  it('is one of a set in which every id is its own', () => {
    expect(pathsOf(KeySet, { schema: 1, revision: 1, keys: [{ kid: 'a', x }] })).toEqual([]);
    expect(pathsOf(KeySet, { schema: 1, revision: 1, keys: [] })).toEqual(['keys']);
    const twice = Array.from({ length: 2 }, () => ({ kid: 'a', x }));
    expect(pathsOf(KeySet, { schema: 1, revision: 1, keys: twice })).toEqual(['keys']);
  });
});
