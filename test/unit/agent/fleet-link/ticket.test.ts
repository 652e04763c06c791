import { spawnSync } from 'node:child_process';
import { createHash, randomBytes, X509Certificate } from 'node:crypto';
import { chmod, chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { afterAll, describe, expect, it } from 'vitest';
import { readTicket, readTicketFile, vouchesFor } from '../../../../agent/fleet-link/ticket.ts';
import { newAuthority } from '../../../servers/fleet/authority.ts';
import { newSigner } from '../store/signer.ts';

const root = await mkdtemp(path.join(tmpdir(), 'deskwarden-ticket-'));
afterAll(() => rm(root, { recursive: true, force: true }));

const uid = process.getuid?.() ?? 0;
const secret = randomBytes(32).toString('base64url');
const text = `dw1.${secret}.${randomBytes(32).toString('base64url')}`;

async function newFile(content: string, mode = 0o600): Promise<string> {
  const file = path.join(await mkdtemp(path.join(root, 'it-')), 'ticket');
  await writeFile(file, content);
  await chmod(file, mode);
  return file;
}

describe('a ticket’s file', () => {
  it.each([text, `${text}\n`, `\uFEFF${text}\r\n`])('is read, whatever editor wrote it', async (content) => {
    expect(await readTicketFile(await newFile(content), uid)).toEqual({ ok: true, value: text });
  });

  it.each([0o640, 0o604, 0o620, 0o602, 0o644])('that others can read or write is refused (mode %o)', async (mode) => {
    const read = await readTicketFile(await newFile(text, mode), uid);
    expect(read).toMatchObject({ ok: false, fault: { code: 'ticket-file', detail: expect.stringContaining(`mode ${mode.toString(8)}`) } });
    expect(JSON.stringify(read)).not.toContain(secret);
  });

  const why = uid === 0 ? null : 'only root can give a file away';
  it.skipIf(why !== null)(`of another user is refused${why === null ? '' : `: ${why}`}`, async () => {
    const file = await newFile(text);
    await chown(file, 12_345, 12_345);
    expect(await readTicketFile(file)).toMatchObject({
      fault: { code: 'ticket-file', detail: `${file}: belongs to user 12345; it must belong to root` },
    });
  });

  it('that is missing, a directory, a pipe or too long is refused, and nothing hangs', async () => {
    const dir = path.join(root, 'a-directory');
    await mkdir(dir, { mode: 0o700 });
    const pipe = path.join(root, 'a-pipe');
    spawnSync('/usr/bin/mkfifo', ['-m', '600', pipe]);
    const files = [path.join(root, 'none'), dir, pipe, await newFile('x'.repeat(201))];
    const details = await Promise.all(files.map(async (file) => readTicketFile(file, uid)));
    expect(details.map((read) => (read.ok ? 'read' : read.fault.detail.split(': ')[1]))).toEqual([
      'there is none',
      'is not a regular file',
      'is not a regular file',
      'has 201 bytes, more than a ticket',
    ]);
  });
});

describe('a ticket', () => {
  const [ca, otherCa] = [newAuthority().certPem, newAuthority().certPem];
  const [key, otherKey] = [newSigner('one').publicKey, newSigner('two').publicKey];
  const digest = createHash('sha256').update(new X509Certificate(ca).raw).update(Buffer.from(key.x, 'base64url')).digest('base64url');
  const read = readTicket(`dw1.${secret}.${digest}`);
  if (!read.ok) throw new Error(read.fault.detail);
  const ticket = read.value;

  it.each([
    ['the CA and the first key that it was made by', { ca, signingKeys: [key, otherKey] }, true],
    ['another CA', { ca: otherCa, signingKeys: [key] }, false],
    ['another first key', { ca, signingKeys: [otherKey, key] }, false],
    ['a CA that is none', { ca: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----', signingKeys: [key] }, false],
  ])('is held against %s', (_name, trust, expected) => {
    expect(vouchesFor(ticket, { schema: 1, ...trust })).toBe(expected);
  });
});
