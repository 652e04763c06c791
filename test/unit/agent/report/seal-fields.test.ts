import { compactDecrypt, exportJWK, generateKeyPair, importJWK } from 'jose';
import { expect, it } from 'vitest';
import { sealFields } from '../../../../agent/report/seal-fields.ts';
import { RuleId } from '../../../../contracts/finding.ts';
import { Report, SealedFields } from '../../../../contracts/report.ts';
import { SealingKey } from '../../../../contracts/sealing.ts';

const { publicKey, privateKey } = await generateKeyPair('ECDH-ES', { crv: 'X25519', extractable: true });
const key = SealingKey.parse({ kid: 'tenant-1', ...(await exportJWK(publicKey)) });
const rule = (id: string) => RuleId.parse(id);

async function opened(jwe: string | null) {
  const { plaintext, protectedHeader } = await compactDecrypt(jwe ?? '', await importJWK(await exportJWK(privateKey), 'ECDH-ES'));
  return { fields: SealedFields.parse(JSON.parse(new TextDecoder().decode(plaintext))), header: protectedHeader };
}

it('is opened by the tenant alone, and says by which key', async () => {
  const fields = { [rule('device.classy')]: { 'users.0.name': 'MARKER', 'users.1.name': null } };
  const jwe = await sealFields(fields, key);
  const { fields: read, header } = await opened(jwe);
  expect(read).toEqual(fields);
  expect(header).toMatchObject({ alg: 'ECDH-ES', enc: 'A256GCM', kid: 'tenant-1' });
  expect(
    jwe
      ?.split('.')
      .map((part) => Buffer.from(part, 'base64url').toString('latin1'))
      .join(),
  ).not.toContain('MARKER');
  const other = await generateKeyPair('ECDH-ES', { crv: 'X25519', extractable: true });
  await expect(compactDecrypt(jwe ?? '', other.privateKey)).rejects.toMatchObject({ code: 'ERR_JWE_DECRYPTION_FAILED' });
});

it('is nothing without a key, or without anything to seal', async () => {
  expect(await sealFields({ [rule('device.classy')]: { a: 1 } }, null)).toBeNull();
  expect(await sealFields({}, key)).toBeNull();
  expect(await sealFields({ [rule('device.classy')]: {} }, key)).toBeNull();
});

it('leaves out the largest rules of more than a report may hold', async () => {
  const fields = { [rule('a')]: { x: 'x'.repeat(60_000) }, [rule('b')]: { x: 'x'.repeat(40_000) }, [rule('c')]: { x: 'x'.repeat(33_000) } };
  const jwe = await sealFields(fields, key);
  expect(Object.keys((await opened(jwe)).fields).sort()).toEqual(['b', 'c']);
  expect(Report.shape.sealed.safeParse(jwe).success).toBe(true);
  // 'é' is one character and two bytes.
  const full = await sealFields({ [rule('a')]: { x: 'é'.repeat(36_900) } }, key);
  expect(full?.length).toBeGreaterThan(98_000);
  expect(Report.shape.sealed.safeParse(full).success).toBe(true);
});
