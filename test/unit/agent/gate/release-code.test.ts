import { describe, expect, it } from 'vitest';
import { checkCode, codeAt, STEPS_EITHER_WAY, stepAt } from '../../../../agent/gate/release-code.ts';

describe('codeAt', () => {
  // RFC 6238 appendix B, SHA-256.
  const secret = Buffer.from('12345678901234567890123456789012');
  it.each([
    [59, '46119246'],
    [1_111_111_109, '68084774'],
    [1_111_111_111, '67062674'],
    [1_234_567_890, '91819424'],
    [2_000_000_000, '90698825'],
    [20_000_000_000, '77737706'],
  ])('at %i s is %s', (seconds, code) => expect(codeAt(secret, stepAt(seconds * 1_000))).toBe(code));

  it('keeps leading noughts', () => {
    const step = Array.from({ length: 200 }, (_, n) => n).find((n) => codeAt(secret, n).startsWith('0'));
    expect(codeAt(secret, step ?? -1)).toMatch(/^0\d{7}$/);
  });
});

describe('checkCode', () => {
  const secret = Buffer.from('a secret of this desk, 32 bytes.');
  const wallMs = Date.parse('2026-01-01T08:00:00.000Z');
  const now = stepAt(wallMs);
  const check = (code: string, usedStep: number | null = null) => checkCode(secret, code, wallMs, usedStep);

  it('takes 5 min before and after, and no more', () => {
    expect(STEPS_EITHER_WAY * 30).toBe(300);
    for (const away of [-10, -1, 0, 1, 10]) expect(check(codeAt(secret, now + away))).toBe(now + away);
    for (const away of [-11, 11]) expect(check(codeAt(secret, now + away))).toBeNull();
  });

  it('takes no step that is used, nor one before it', () => {
    expect(check(codeAt(secret, now), now - 1)).toBe(now);
    expect(check(codeAt(secret, now), now)).toBeNull();
    expect(check(codeAt(secret, now - 1), now)).toBeNull();
    expect(check(codeAt(secret, now + 1), now)).toBe(now + 1);
  });

  it.each(['', '1', '00000000', '123456789', 'abcdefgh', '１２３４５６７８'])('refuses %j', (code) => expect(check(code)).toBeNull());

  it('refuses a right code with something after it, and that of another secret', () => {
    expect(check(`${codeAt(secret, now)}0`)).toBeNull();
    expect(check(codeAt(Buffer.from('another secret, also of 32 bytes'), now))).toBeNull();
  });

  it('has steps from the beginning of time on', () => expect(checkCode(secret, codeAt(secret, 0), 0, null)).toBe(0));
});
