import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { catalog } from '../../../checks/catalog.ts';
import { appendAudit } from '../../../fleet/audit/append.ts';
import { createKeyring, type Keyring } from '../../../fleet/crypto/keyring.ts';
import { openLocalKeyProvider } from '../../../fleet/crypto/local-key-provider.ts';
import { type Db, openDb } from '../../../fleet/db/tenancy.ts';
import { createIntake, type Intake, type IntakeDeps } from '../../../fleet/intake/intake.ts';

export interface TestIntake {
  intake: Intake;
  keyring: Keyring;
  /** For another replica. */
  keyDir: string;
  /** Reasons for which batches were written again. */
  retries: unknown[];
  close(): Promise<void>;
}

/** A replica: intake with a pool of its own, and keys from files. */
export async function openIntake(
  appUrl: string,
  now: () => Date,
  { keyDir, ...given }: Partial<Omit<IntakeDeps, 'db' | 'now'>> & { keyDir?: string } = {},
): Promise<TestIntake> {
  const open = (): Db => openDb({ url: appUrl, applicationName: 'test-intake', max: 5, onError: () => undefined });
  const [db, keyDb] = [open(), open()];
  const dir = keyDir ?? (await mkdtemp(path.join(tmpdir(), 'deskwarden-keys-')));
  const provider = await openLocalKeyProvider({ dir, clock: now });
  const keyring = createKeyring({ provider, db: keyDb, clock: now });
  const retries: unknown[] = [];
  const intake = createIntake({
    db,
    now,
    evidenceKey: (tx, scope) => keyring.key(tx, scope, 'evidence'),
    appendAudit,
    latestRevisions: async () => new Map(),
    knownChecks: new Set(catalog.map(({ id }) => String(id))),
    onRetry: (error) => retries.push(error),
    onSealedRefused: () => {},
    ...given,
  });
  return {
    intake,
    keyring,
    keyDir: dir,
    retries,
    async close() {
      await intake.stop();
      keyring.close();
      await db.end();
      await keyDb.end();
      if (keyDir === undefined) await rm(dir, { recursive: true });
    },
  };
}
