import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { compactDecrypt, exportJWK, generateKeyPair } from 'jose';
import { expect, it } from 'vitest';
import { setRefusedAside } from '../../../../agent/report/refused-reports.ts';
import { createReporter } from '../../../../agent/report/reporter.ts';
import { sealFields } from '../../../../agent/report/seal-fields.ts';
import { RuleId } from '../../../../contracts/finding.ts';
import { SealingKey } from '../../../../contracts/sealing.ts';
import { freshDir, openBox } from './open-box.ts';
import { AT, aFinding, aView, classyCheck } from './sample-report.ts';

const { publicKey, privateKey } = await generateKeyPair('ECDH-ES', { crv: 'X25519', extractable: true });
const key = SealingKey.parse({ kid: 'tenant-1', ...(await exportJWK(publicKey)) });

const evidence = {
  count: 1,
  hosts: ['MARKER-INTERNAL'],
  serial: 'MARKER-CONFIDENTIAL',
  users: [{ name: 'MARKER-RESTRICTED', admin: false }],
  homes: { 'MARKER-KEY': 1 },
};
const args = {
  all: Object.values(evidence)
    .map((value) => JSON.stringify(value))
    .join(' '),
  key: 'a MARKER-KEY',
};
const strange = { nobody: 'MARKER-STRANGE' };

/** A report through all that a daemon does with it; what its outbox then holds on the disk, refused reports too. */
async function stored(allowed: string[], sealingKey: SealingKey | null) {
  const { dir, box } = await openBox(await freshDir());
  const words = { kind: 'fail', reason: 'bad', args } as const;
  const unread = aFinding({ rule: RuleId.parse('strange'), evidence: strange, outcome: { ...words, args: { it: 'MARKER-STRANGE' } } });
  const reporter = createReporter({ checks: [classyCheck], wallMs: () => Date.parse(AT) });
  const made = reporter.consider(aView({ findings: [aFinding({ evidence, outcome: words }), unread] }), allowed);
  if (!made) throw new Error('nothing was made');
  const sealed = await sealFields(made.restricted, sealingKey);
  await box.append((id, epoch, seq) => ({ ...made.draft, id, epoch, seq, sealed }), { kind: made.kind });
  const next = await box.peek();
  if (next) await setRefusedAside(dir, next.report, 'bad-request', AT);
  const files = await readdir(dir);
  expect(files).toContain('refused.ndjson');
  const text = (await Promise.all(files.map((name) => readFile(path.join(dir, name), 'utf8')))).join('\n');
  return { sealed, markers: [...new Set(text.match(/MARKER-[A-Z]+/g))].sort() };
}

it('nothing that may not leave is ever in a file of the outbox, nor in its words', async () => {
  expect(await stored([], key)).toEqual({ sealed: null, markers: ['MARKER-INTERNAL'] });
  expect(await stored(['public'], key)).toEqual({ sealed: null, markers: [] });
  expect((await stored(['device.classy/serial'], key)).markers).toEqual(['MARKER-CONFIDENTIAL']);
});

it('what may leave sealed is there sealed only, and not at all without a key', async () => {
  const allowed = ['device.classy/users[].name', 'device.classy/homes{}'];
  const { sealed, markers } = await stored(allowed, key);
  expect(markers).toEqual([]);
  const { plaintext } = await compactDecrypt(sealed ?? '', privateKey);
  expect(JSON.parse(new TextDecoder().decode(plaintext))).toEqual({
    'device.classy': { 'users.0.name': 'MARKER-RESTRICTED', 'homes.MARKER-KEY': 1 },
  });
  expect(await stored(allowed, null)).toEqual({ sealed: null, markers: [] });
});
