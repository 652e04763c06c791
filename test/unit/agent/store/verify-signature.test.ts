import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSignedBy, signatureProblem } from '../../../../agent/store/verify-signature.ts';
import { SignedDocument } from '../../../../contracts/signed-document.ts';
import { detached, newSigner, signed, signerOf } from './signer.ts';

/** RFC 8037 appendix A.1 to A.4. */
const vector = {
  jwk: {
    kty: 'OKP',
    crv: 'Ed25519',
    d: 'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A',
    x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
  } as const,
  header: 'eyJhbGciOiJFZERTQSJ9',
  payload: 'Example of Ed25519 signing',
  signature: 'hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg',
};

describe('RFC 8037 appendix A.4', () => {
  const jws = `${vector.header}..${vector.signature}`;

  it('verifies', () => {
    expect(isSignedBy({ x: vector.jwk.x }, jws, vector.payload)).toBe(true);
    expect(isSignedBy({ x: vector.jwk.x }, jws, `${vector.payload}.`)).toBe(false);
  });

  it('is what the tests here sign with', () => {
    expect(detached(signerOf('a', vector.jwk), { alg: 'EdDSA' }, vector.payload)).toBe(jws);
  });
});

describe('the signature of a document', () => {
  const ours = newSigner('ours');
  const other = newSigner('ours');
  const body = '{"schema":1,"name":"é"}';
  const good = signed(ours, {}, body);
  const notHeader = 'the header is not {alg: EdDSA, kid} and the claims of the document, and nothing else';

  it.each([
    ['good', good, null],
    ['by a key nobody trusts', signed(newSigner('theirs'), {}, body), 'no trusted key has the id "theirs"'],
    ["by another key under our key's id", signed(other, {}, body), 'not signed by key "ours"'],
    ['over another body', { ...good, body: '{"schema":1,"name":"e"}' }, 'not signed by key "ours"'],
    ['with alg none', signed(ours, {}, body, { alg: 'none' }), notHeader],
    ['with alg HS256', signed(ours, {}, body, { alg: 'HS256' }), notHeader],
    ['with alg ES256', signed(ours, {}, body, { alg: 'ES256' }), notHeader],
    ['with alg in lower case', signed(ours, {}, body, { alg: 'eddsa' }), notHeader],
    ['with crit', signed(ours, {}, body, { crit: ['exp'], exp: 0 }), notHeader],
    ['with an empty crit', signed(ours, {}, body, { crit: [] }), notHeader],
    ['with an unencoded payload', signed(ours, {}, body, { b64: false, crit: ['b64'] }), notHeader],
    ['with a key of its own', signed(ours, {}, body, { jwk: other.publicKey }), notHeader],
    ['without a kid', signed(ours, {}, body, { kid: undefined }), notHeader],
    ['without the claims', { ...good, jws: detached(ours, { alg: 'EdDSA', kid: 'ours' }, body) }, notHeader],
    ['with a header that is no object', { ...good, jws: detached(ours, 'EdDSA', body) }, notHeader],
    ['with a header that is no JSON', { ...good, jws: good.jws.replace(/^[^.]+/, 'AAAA') }, notHeader],
    ['under a later revision', { ...good, revision: 2 }, 'the envelope differs from what was signed'],
    ['under another kind', { ...good, kind: 'allowlist' as const }, 'the envelope differs from what was signed'],
    ['under another time', { ...good, issuedAt: '2026-11-23T10:00:00Z' }, 'the envelope differs from what was signed'],
    ['under another instance', { ...good, instance: { alias: 'evil', region: 'us-west-2' } }, 'the envelope differs from what was signed'],
  ])('%s', (_name, document, problem) => {
    expect(signatureProblem(document, [ours.publicKey])).toBe(problem);
  });

  it('stands when any trusted key of that id made it', () => {
    expect(signatureProblem(good, [other.publicKey, ours.publicKey])).toBeNull();
    expect(signatureProblem(good, [])).toBe('no trusted key has the id "ours"');
  });

  it('takes a JWK as it takes the raw key', () => {
    expect(signatureProblem(good, [{ ...ours.publicKey, kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', use: 'sig' }])).toBeNull();
  });

  it('does not take a lone surrogate for the character that stands for it in UTF-8', () => {
    const replaced = signed(ours, {}, '"\ufffd"');
    expect(signatureProblem(replaced, [ours.publicKey])).toBeNull();
    expect(signatureProblem({ ...replaced, body: '"\ud800"' }, [ours.publicKey])).toBe('not signed by key "ours"');
  });

  it('breaks by any other byte, in the body or in the JWS', () => {
    const refused = (document: unknown) => {
      const parsed = SignedDocument.safeParse(document);
      return !parsed.success || signatureProblem(parsed.data, [ours.publicKey]) !== null;
    };
    fc.assert(
      fc.property(fc.constantFrom('body' as const, 'jws' as const), fc.nat(), fc.integer({ min: 1, max: 255 }), (field, at, flip) => {
        const bytes = Buffer.from(good[field]);
        const index = at % bytes.length;
        bytes.writeUInt8(bytes.readUInt8(index) ^ flip, index);
        // Read as the wire would be: bytes that are not UTF-8 become U+FFFD.
        expect(refused({ ...good, [field]: bytes.toString('utf8') })).toBe(true);
      }),
      { numRuns: 2_000 },
    );
    for (const field of ['body', 'jws'] as const) {
      for (let at = 0; at < good[field].length; at++) {
        expect(refused({ ...good, [field]: good[field].slice(0, at) + good[field].slice(at + 1) })).toBe(true);
      }
    }
  });
});
