import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { leafOf, loadPki } from '../../lab/pki.ts';
import { instanceHost } from '../../lab/world.ts';

const DAY_MS = 24 * 60 * 60_000;

describe('the certificates', () => {
  const dir = mkdtempSync(join(tmpdir(), 'lab-pki-'));
  const path = join(dir, 'nested', 'pki.json');
  afterAll(() => rmSync(dir, { recursive: true }));

  it('are kept, and made anew when damaged or near their end', { timeout: 30_000 }, async () => {
    const now = Date.now();
    const [first, second] = await Promise.all([loadPki(now, path), loadPki(now, path)]);
    const kept = await loadPki(now, path);
    expect([first.root, second.root]).toContain(kept.root);
    expect(readdirSync(join(dir, 'nested'))).toEqual(['pki.json']);

    writeFileSync(path, '{"root": "half a fi');
    const repaired = await loadPki(now, path);
    expect(repaired.root).not.toBe(kept.root);

    expect((await loadPki(now + 100 * DAY_MS, path)).root).toBe(repaired.root);
    expect((await loadPki(now + 150 * DAY_MS, path)).root).not.toBe(repaired.root);
  });

  it('have one fault each', { timeout: 30_000 }, async () => {
    const pki = await loadPki(Date.now(), join(dir, 'faults.json'));
    const root = new X509Certificate(pki.root);
    const [leaf, intermediate] = (pki.chains[instanceHost] as string)
      .split(/(?<=END CERTIFICATE-----\n)/)
      .map((pem) => new X509Certificate(pem));
    expect(leafOf(pki.chains[instanceHost] as string)).toBe(leaf?.toString());
    expect(leaf?.checkIssued(intermediate as X509Certificate)).toBe(true);
    expect(leaf?.verify((intermediate as X509Certificate).publicKey)).toBe(true);
    expect(intermediate?.verify(root.publicKey)).toBe(true);
    expect(leaf?.checkHost(instanceHost)).toBe(instanceHost);
    expect(Date.parse(new X509Certificate(pki.expired).validTo)).toBeLessThan(Date.now());
    expect(new X509Certificate(pki.expired).checkHost(instanceHost)).toBe(instanceHost);
    expect(new X509Certificate(pki.wrongHost).checkHost(instanceHost)).toBeUndefined();
    const selfSigned = new X509Certificate(pki.selfSigned);
    expect(selfSigned.verify(selfSigned.publicKey)).toBe(true);
    expect(new X509Certificate(pki.inspector.certificate).subject).toBe('O=Example Inspect\nCN=Example Inspection CA');
  });
});
