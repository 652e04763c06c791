import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { redact } from '../../../../agent/bundle/redact.ts';

const ticket = `dw1.${'s'.repeat(43)}.${'f'.repeat(43)}`;
const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const body = pem.split('\n')[1] ?? '';
const jwt = `eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJkZXNrIn0.${'A'.repeat(86)}`;

describe('redact', () => {
  it.each<[string, unknown, unknown]>([
    ['a ticket in a sentence', `enrolling with ${ticket}, at last`, 'enrolling with <removed ticket>, at last'],
    ['half a ticket', 'dw1.abc', '<removed ticket>'],
    ['a private key', `key:\n${pem}end`, 'key:\n<removed private key>\nend'],
    ['a private key in JSON in a string', JSON.stringify({ pem }), '{"pem":"<removed private key>\\n"}'],
    ['a private key that is cut off', pem.slice(0, 60), '<removed private key>'],
    ['the rest of a private key', `${body}\n-----END PRIVATE KEY-----\nafter`, '<removed private key>\nafter'],
    ['an older kind of key', '-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----', '<removed private key>'],
    ['a bearer token', 'GET / Bearer 0123456789abcdef', 'GET / Bearer <removed>'],
    ['a token on its own', `got ${jwt} back`, 'got <removed token> back'],
    ['credentials of a proxy', 'http://anna:pa55@proxy.example.com:3128/', 'http://<removed>@proxy.example.com:3128/'],
    ['a header', 'Proxy-Authorization: Basic YW5uYTpwYTU1', 'Proxy-Authorization: <removed>'],
    ['a cookie', 'Set-Cookie: session=abc; Path=/', 'Set-Cookie: <removed>'],
    ['a query', 'https://example.com/a?token=abc&page=2', 'https://example.com/a?token=<removed>&page=2'],
    ['an assignment', 'password=hunter2 user=1', 'password=<removed> user=1'],
    ['by its name', { releaseSecret: 'abc', sealed: { apiKey: 1 } }, { releaseSecret: '<removed>', sealed: { apiKey: '<removed>' } }],
    ['a whole object by its name', { credentials: { a: 1 } }, { credentials: '<removed>' }],
    ['a private JWK', { kty: 'OKP', x: 'pub', d: 'priv' }, { kty: 'OKP', x: 'pub', d: '<removed>' }],
    ['a release code', { call: 'release', code: '12345678' }, { call: 'release', code: '<removed>' }],
    ['a home', '/home/anna/.config and /home/anna/x, /home/bert', '/home/user-1/.config and /home/user-1/x, /home/user-2'],
    [
      'homes elsewhere',
      ['/Users/anna/x', 'C:\\Users\\bert\\y', 'C:\\\\Users\\\\bert'],
      ['/Users/user-1/x', 'C:\\Users\\user-2\\y', 'C:\\\\Users\\\\user-2'],
    ],
    ['a home in a key', { '/home/anna/a': 1 }, { '/home/user-1/a': 1 }],
  ])('takes out %s', (_, given, left) => expect(redact(given)).toEqual(left));

  it.each<[string, unknown]>([
    ['that there is no secret', { releaseSecret: null }],
    ['fault codes', { code: 'too-soon', detail: '4 s' }],
    ['addresses and host names', ['10.1.2.3', 'fe80::1', 'acme.my.connect.aws:443', 'https://fleet.example.com:8443']],
    ['where a ticket is', { ticketFile: '/etc/deskwarden/ticket' }],
    ['certificates', publicKey.export({ type: 'spki', format: 'pem' })],
    ['revisions and times', { revision: 12345678, at: '2026-01-01T08:00:00.000Z' }],
    ['what is not text', [1, true, null, 1.5]],
  ])('leaves %s', (_, given) => expect(redact(given)).toEqual(given));

  it('finds secrets wherever they stand in any value', () => {
    const secret = fc.constantFrom(ticket, pem, jwt, 'https://anna:pa55word@proxy.example.com');
    const around = fc.string({ unit: fc.constantFrom(' ', '"', '\n', ',', '{', 'x ') });
    const told = fc.tuple(around, secret, around).map((parts) => parts.join(' '));
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof({ depthSize: 'small' }, told, fc.array(tie('value')), fc.dictionary(fc.string(), tie('value'))),
    }));
    fc.assert(
      fc.property(value, (given) => {
        const left = JSON.stringify(redact(given));
        for (const trace of ['ssssssss', body, 'AAAAAAAA', 'pa55word']) expect(left).not.toContain(trace);
      }),
    );
  });

  it('takes linear time for whatever 2 MiB of a log hold', () => {
    const worst = [
      'a',
      'a.',
      '-----END PRIVATE KEY-----',
      '-----BEGIN PRIVATE KEY-----',
      '-----BEGIN ',
      '-----END ',
      'eyJ',
      'secret',
      ' ',
      'authorization ',
      '://',
      '/home/',
      'a.b://',
    ];
    for (const part of worst) {
      const startedMs = performance.now();
      redact(part.repeat((2 * 1024 * 1024) / part.length));
      expect(performance.now() - startedMs, part).toBeLessThan(3_000);
    }
  }, 60_000);

  it('is not led astray by depth or by odd keys', () => {
    const deep = JSON.parse(`${'['.repeat(5_000)}"${ticket}"${']'.repeat(5_000)}`);
    expect(JSON.stringify(redact(deep))).toContain('<too deep>');
    const odd = redact(JSON.parse('{"__proto__":{"x":1},"constructor":"y"}'));
    expect(JSON.stringify(odd)).toBe('{"__proto__":{"x":1},"constructor":"y"}');
  });
});
