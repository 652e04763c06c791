import { join } from 'node:path';
import type { z } from 'zod';
import type { Problem } from '../../contracts/parse.ts';
import { type DocumentClaims, type DocumentKind, SignedDocument } from '../../contracts/signed-document.ts';
import type { TrustedKeys } from './key-store.ts';
import { compareRevision, malformed, type ReadDocument, type Refusal, readDocument, refusal } from './read-document.ts';
import { openStateFile, type SetAside } from './state-file.ts';

export interface DocumentStore<T> {
  /** The last good body; null before the first. */
  current(): T | null;
  /** Of the last good document; 0 before the first. */
  revision(): number;
  /** A refused document leaves everything as it was; an accepted one is on the disk when this resolves. */
  accept(envelope: unknown): Promise<{ ok: true; value: T } | Refusal>;
}

export interface DocumentStoreSettings<S extends z.ZodType> {
  dir: string;
  kind: Exclude<DocumentKind, 'keys'>;
  schema: S;
  trustedKeys: TrustedKeys;
  instance: DocumentClaims['instance'];
  /** What the schema cannot see. Asked when a document comes in, not on load: it may depend on what has changed since. */
  problemsOf?: (body: z.output<S>) => readonly Problem[];
  onSetAside?: (report: SetAside) => void;
}

export async function openDocumentStore<S extends z.ZodType>(settings: DocumentStoreSettings<S>): Promise<DocumentStore<z.output<S>>> {
  const { dir, kind, trustedKeys, problemsOf, onSetAside } = settings;
  const file = await openStateFile({
    path: join(dir, `${kind}.json`),
    // The disk is believed no more than the network. A key rotated away since still vouches for what it signed before.
    schema: SignedDocument.nullable().superRefine((document, context) => {
      const read = document && readDocument(document, settings, trustedKeys.ever());
      if (read?.ok === false) context.addIssue(`${read.code}: ${read.detail}`);
    }),
    fallback: null,
    onSetAside,
  });

  const stored = await file.read();
  const loaded = stored && readDocument(stored, settings, trustedKeys.ever());
  let held = loaded?.ok ? loaded : null;

  async function accept(envelope: unknown): Promise<{ ok: true; value: z.output<S> } | Refusal> {
    const offered: ReadDocument<z.output<S>> = readDocument(envelope, settings, trustedKeys.now());
    if (!offered.ok) return offered;
    const order = compareRevision(held?.document ?? null, offered.document);
    if (typeof order === 'object') return order;
    if (order === 'newer') {
      const problems = problemsOf?.(offered.value) ?? [];
      if (problems.length > 0) return { ...malformed(problems), code: 'bad-request' };
    }
    // The same revision signed anew, by a key of now, is worth keeping.
    if (order === 'newer' || offered.document.jws !== held?.document.jws) {
      try {
        await file.write(offered.document);
      } catch (error) {
        return refusal('internal', `could not be stored: ${error instanceof Error ? error.message : 'unknown'}`);
      }
      held = offered;
    }
    return { ok: true, value: offered.value };
  }

  // One after the other, so that the disk, too, never goes back.
  let last: Promise<unknown> = Promise.resolve();
  return {
    current: () => held?.value ?? null,
    revision: () => held?.document.revision ?? 0,
    accept(envelope) {
      const turn = last.then(() => accept(envelope));
      last = turn;
      return turn;
    },
  };
}
