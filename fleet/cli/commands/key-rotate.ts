import { createPublicKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { NIL_ID } from '../../db/tenancy.ts';
import { openSigningKeys } from '../../documents/signing-keys.ts';
import { auditedAs } from '../audited.ts';
import { type Command, one, UsageFault } from '../command.ts';

export const keyRotate: Command = {
  name: 'key rotate',
  summary: 'have a new signing key follow the present one',
  usage: '[--offline PUBLIC_KEY_FILE]',
  help: `Desks learn of the new key by a document that the old one signs, also those that were off
meanwhile. Servers of this database take it up within seconds.

  --offline PUBLIC_KEY_FILE
                       an Ed25519 public key (PEM) whose private part stays elsewhere: from then
                       on documents wait for \`policy sign\``,
  options: { offline: 'string' },
  positionals: { least: 0, most: 0 },
  async run(given, context) {
    const file = one(given, 'offline');
    const offline = file === undefined ? undefined : { x: await publicKeyIn(file) };
    return context.withStore(async (store) => {
      const keys = await openSigningKeys({ db: store.innerDb, keyring: store.keyring, now: store.now });
      const made = await auditedAs(store, NIL_ID, 'key rotate', async () => {
        const key = await keys.rotate(offline);
        return { value: key, targets: [{ type: 'signing-key', id: key.kid }] };
      });
      context.out(`Signing with ${made.kid} from now on${offline ? ', offline: see policy sign' : ''}.\n`);
      return 0;
    });
  },
};

async function publicKeyIn(file: string): Promise<string> {
  const pem = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new UsageFault(`${file} cannot be read: ${error.code}`);
  });
  try {
    const key = createPublicKey(pem);
    const { x } = key.export({ format: 'jwk' });
    // A private key would be read too, and then lie on the server after all.
    if (key.asymmetricKeyType === 'ed25519' && x !== undefined && !pem.includes('PRIVATE')) return x;
  } catch {
    // Said below.
  }
  throw new UsageFault(`${file} is no Ed25519 public key in PEM`);
}
