import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { DocumentKind } from '../../../contracts/signed-document.ts';
import { readInstance } from '../../documents/document-rows.ts';
import { acceptSignature, awaitedSignatures } from '../../documents/offline-signing.ts';
import { openSigningKeys } from '../../documents/signing-keys.ts';
import { auditedAs } from '../audited.ts';
import { chooseInstance, chooseTenant } from '../choose-tenant.ts';
import { type Command, type Context, one, UsageFault } from '../command.ts';

/** One document that waits: what is signed is `input`, bytes in base64url. */
const Awaited = z.strictObject({
  kind: DocumentKind,
  revision: z.int().positive(),
  audience: z.string(),
  kid: z.string(),
  askedAt: z.string(),
  input: z.string().regex(/^[A-Za-z0-9_-]+$/),
});
const Signature = z.strictObject({ kind: DocumentKind, revision: z.int().positive(), signature: z.string().regex(/^[A-Za-z0-9_-]{86}$/) });

export const policySign: Command = {
  name: 'policy sign',
  summary: 'sign documents with a key that is kept offline',
  usage: '[--offline KEY_FILE | --import FILE|-] [options]',
  help: `In three steps, where the key is not on the server:
  1. here:         deskwarden-fleet policy sign > waiting.ndjson
  2. with the key: deskwarden-fleet policy sign --offline key.pem < waiting.ndjson > signed.ndjson
  3. here:         deskwarden-fleet policy sign --import signed.ndjson

  --offline KEY_FILE   sign standard input with this Ed25519 key (PKCS #8, PEM); needs no server
  --import FILE|-      take signatures in; each is verified
  --instance ALIAS     needed where there are several
  --tenant SLUG        needed where there are several`,
  options: { offline: 'string', import: 'string', instance: 'string', tenant: 'string' },
  positionals: { least: 0, most: 0 },
  async run(given, context) {
    const keyFile = one(given, 'offline');
    if (keyFile !== undefined) return signOffline(keyFile, context);
    const file = one(given, 'import');
    return context.withStore(async (store) => {
      const tenant = await chooseTenant(store, one(given, 'tenant'));
      const issuing = { keys: await openSigningKeys(store), keyring: store.keyring, now: store.now };
      const signatures = file === undefined ? null : lines(await textOf(file, context), Signature, file);
      const action = signatures ? 'policy sign --import' : 'policy sign';
      await auditedAs(store, tenant, action, async (tx) => {
        const instance = await readInstance(tx, (await chooseInstance(tx, one(given, 'instance'))).id);
        if (!instance) throw new UsageFault('the instance is gone');
        const targets = [{ type: 'instance', id: instance.id }];
        if (signatures) {
          for (const { kind, revision, signature } of signatures) {
            await acceptSignature(issuing, tx, instance, { kind, revision, signature: Buffer.from(signature, 'base64url') });
          }
          context.out(`${signatures.length} document(s) signed.\n`);
          return { value: null, targets };
        }
        for (const { kind, revision, audience, kid, askedAt, ...input } of await awaitedSignatures(issuing, tx, instance)) {
          const bytes = Buffer.from(`${input.header}.${input.payload}`, 'latin1').toString('base64url');
          context.out(`${JSON.stringify({ kind, revision, audience, kid, askedAt: askedAt.toISOString(), input: bytes })}\n`);
        }
        return { value: null, targets };
      });
      return 0;
    });
  },
};

async function signOffline(keyFile: string, context: Context): Promise<number> {
  const pem = await readFile(keyFile, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new UsageFault(`${keyFile} cannot be read: ${error.code}`);
  });
  const key = readKey(pem, keyFile);
  context.err(`Signing as the public key ${createPublicKey(key).export({ format: 'jwk' }).x}\n`);
  for (const { kind, revision, input } of lines(await context.readStdin(), Awaited, 'standard input')) {
    const signature = sign(null, Buffer.from(input, 'base64url'), key).toString('base64url');
    context.out(`${JSON.stringify({ kind, revision, signature })}\n`);
  }
  return 0;
}

function readKey(pem: string, file: string) {
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch {
    // Said below.
  }
  throw new UsageFault(`${file} is no Ed25519 private key in PEM`);
}

function textOf(file: string, context: Context): Promise<string> {
  if (file === '-') return context.readStdin();
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new UsageFault(`${file} cannot be read: ${error.code}`);
  });
}

function lines<T extends z.ZodType>(text: string, shape: T, file: string): z.output<T>[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line, at) => {
      try {
        return shape.parse(JSON.parse(line));
      } catch {
        throw new UsageFault(`${file}:${at + 1}: not a line of \`policy sign\``);
      }
    });
}
