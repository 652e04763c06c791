import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { Secret, TOTP } from 'otpauth';
import { describe, expect, it } from 'vitest';
import { readCookie, SESSION_COOKIE, setCookie } from '../../../fleet/sign-in/cookie.ts';
import { isForgedRequest } from '../../../fleet/sign-in/forgery.ts';
import { profileNamesOf, secondFactorEvidence, shownAt, userNameOf } from '../../../fleet/sign-in/oidc-claims.ts';
import { createPasswords } from '../../../fleet/sign-in/password.ts';
import { returnPath } from '../../../fleet/sign-in/return-path.ts';
import { hashToken, newToken } from '../../../fleet/sign-in/token.ts';
import { totpStep } from '../../../fleet/sign-in/totp.ts';

describe('passwords', () => {
  it('are kept by scrypt at full cost, salted, and compared in their normal form', { timeout: 30_000 }, async () => {
    const passwords = createPasswords();
    const [one, other] = [await passwords.hash('Ünïcode pass phrase'), await passwords.hash('Ünïcode pass phrase')];
    expect(one).toMatch(/^\$scrypt\$ln=15,r=8,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    expect(one).not.toBe(other);
    expect(await passwords.verify('Ünïcode pass phrase'.normalize('NFD'), one)).toBe(true);
    expect(await passwords.verify('Ünïcode pass phrasE', one)).toBe(false);
  });

  it.each([null, '', 'plain text', '$scrypt$ln=15,r=8,p=1$$', '$argon2id$v=19$m=65536$c2FsdHNhbHQ$aGFzaA'])(
    'fit nothing that is stored as %j, after the full work',
    async (stored) => {
      const costs: unknown[] = [];
      const passwords = createPasswords(async (_, __, length, options) => {
        costs.push(options.N);
        return Buffer.alloc(length);
      });
      expect(await passwords.verify('anything', stored)).toBe(false);
      expect(costs).toEqual([2 ** 15]);
    },
  );

  it('are worked on two at a time; who comes when fifty wait is told to come again', async () => {
    let running = 0;
    let most = 0;
    const passwords = createPasswords(async (_, __, length) => {
      running += 1;
      most = Math.max(most, running);
      await delay(1);
      running -= 1;
      return Buffer.alloc(length);
    });
    const results = await Promise.allSettled(Array.from({ length: 60 }, () => passwords.hash('a pass phrase of some length')));
    expect(most).toBe(2);
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(52);
    expect(results.filter((result) => result.status === 'rejected' && result.reason.code === 'slow-down')).toHaveLength(8);
    await expect(passwords.hash('again')).resolves.toMatch(/^\$scrypt/);
  });

  it('free their place when the work fails', async () => {
    let calls = 0;
    const passwords = createPasswords(async (_, __, length) => {
      calls += 1;
      if (calls <= 4) throw new Error('no memory');
      return Buffer.alloc(length);
    });
    const failed = await Promise.allSettled(Array.from({ length: 4 }, () => passwords.hash('x')));
    expect(failed.every(({ status }) => status === 'rejected')).toBe(true);
    await expect(passwords.hash('x')).resolves.toMatch(/^\$scrypt/);
  });
});

describe('one-time codes', () => {
  const secret = new Secret({ size: 20 });
  const totp = new TOTP({ secret });
  const at = new Date('2026-03-01T10:00:15.000Z');
  const step = Math.floor(at.getTime() / 30_000);

  it.each([
    [-2, null],
    [-1, step - 1],
    [0, step],
    [1, step + 1],
    [2, null],
  ])('of %i steps from now are of step %j', (steps, expected) => {
    expect(totpStep(secret.base32, totp.generate({ timestamp: at.getTime() + steps * 30_000 }), at)).toBe(expected);
  });

  it('are those of RFC 6238', () => {
    const rfc = Secret.fromUTF8('12345678901234567890').base32;
    expect(totpStep(rfc, '287082', new Date(59_000))).toBe(1);
    expect(totpStep(rfc, '081804', new Date(1_111_111_109_000))).toBe(37_037_036);
  });
});

describe('the session cookie', () => {
  const token = newToken();
  it.each([
    ['the only one', `${SESSION_COOKIE}=${token}`, token],
    ['among others', `a=1; ${SESSION_COOKIE}=${token} ; b=2`, token],
    ['the same twice', `${SESSION_COOKIE}=${token}; ${SESSION_COOKIE}=${token}`, token],
    ['two that differ', `${SESSION_COOKIE}=${token}; ${SESSION_COOKIE}=${newToken()}`, null],
    ['another name', `x${SESSION_COOKIE}=${token}`, null],
    ['no token', `${SESSION_COOKIE}=%00`, null],
    ['nothing', undefined, null],
  ])('is read: %s', (_, header, expected) => expect(readCookie(header, SESSION_COOKIE)).toBe(expected));

  it('survives any header', () => {
    fc.assert(fc.property(fc.string(), (header) => [null].includes(readCookie(header, SESSION_COOKIE) as null)));
  });

  it('is written as it is read', () => {
    expect(readCookie(setCookie(SESSION_COOKIE, token, 60).split(';')[0], SESSION_COOKIE)).toBe(token);
    expect(hashToken(token)).toHaveLength(32);
  });
});

it('a request is forged unless it shows that it is not', () => {
  const own = ['https://console.example.com'];
  expect(isForgedRequest({ origin: 'https://console.example.com' }, own)).toBe(false);
  expect(isForgedRequest({ 'x-deskwarden': '1' }, own)).toBe(false);
  expect(isForgedRequest({ origin: 'https://console.example.com.evil.example', 'x-deskwarden': '1' }, own)).toBe(true);
  expect(isForgedRequest({ origin: 'https://console.example.com' }, [])).toBe(true);
  expect(isForgedRequest({ 'x-deskwarden': 'yes' }, own)).toBe(true);
});

describe('the path to return to', () => {
  it.each(['/', '/floor', '/desks/5b6f/', '/desks?tag=a:b,c&x=%41', '/policies/base-1.2'])('is %s', (asked) =>
    expect(returnPath(asked)).toBe(asked),
  );

  it('stays on the console, whatever is asked for', () => {
    const base = 'https://console.example.com';
    const nasty = fc.string({ unit: fc.constantFrom(...'//\\..:@?#%&=- \t\nab2f'), maxLength: 12 });
    fc.assert(
      fc.property(
        fc.oneof(
          nasty,
          fc.webUrl(),
          fc.string(),
          nasty.map((text) => `/${text}`),
        ),
        (asked) => {
          const path = returnPath(asked);
          if (path === null) return true;
          const url = new URL(path, base);
          return url.origin === base && `${url.pathname}${url.search}` === path && !url.pathname.startsWith('/api/');
        },
      ),
      { numRuns: 1_500 },
    );
  });
});

describe('claims', () => {
  const settings = { acceptedAcr: ['urn:example:two'], groupsClaim: 'groups', profiles: { a: ['A', 'B'], b: ['B'] } };
  it.each([
    [{ amr: ['pwd', 'otp'] }, 'amr otp'],
    [{ amr: ['pwd', 'mfa'] }, 'amr mfa'],
    [{ amr: ['hwk'] }, 'amr hwk'],
    [{ amr: 'otp' }, 'amr otp'],
    [{ amr: ['pwd'] }, null],
    [{ amr: ['pwd'], acr: 'urn:example:two' }, 'acr urn:example:two'],
    [{ acr: 'urn:example:one' }, null],
    [{ amr: [{ otp: 1 }], acr: ['urn:example:two'] }, null],
    [{}, null],
  ])('%j prove %j', (claims, expected) => expect(secondFactorEvidence(claims, settings)).toBe(expected));

  it('name the user by one claim and by no other', () => {
    expect(userNameOf({ preferred_username: 'anna', sub: '1', email: 'x' }, {})).toBe('anna');
    expect(userNameOf({ sub: '1', email: 'anna' }, {})).toBeNull();
    expect(userNameOf({ upn: 'anna' }, { userClaim: 'upn' })).toBe('anna');
    expect(userNameOf({}, { userClaim: 'toString' })).toBeNull();
  });

  it('name profiles by group', () => {
    expect(profileNamesOf({ groups: ['a', 'b', 'c', 'toString', 1] }, settings)).toEqual(['A', 'B']);
    expect(profileNamesOf({ groups: 'b' }, settings)).toEqual(['B']);
    expect(profileNamesOf({}, settings)).toEqual([]);
  });

  it('say when it was, and never later than now', () => {
    const now = new Date('2026-03-01T10:00:00.000Z');
    expect(shownAt({ auth_time: now.getTime() / 1000 - 60 }, now)).toEqual(new Date(now.getTime() - 60_000));
    expect(shownAt({ auth_time: now.getTime() / 1000 + 60 }, now)).toEqual(now);
    for (const auth_time of ['yesterday', Number.NaN, -1, undefined]) expect(shownAt({ auth_time }, now)).toEqual(new Date(0));
  });
});
