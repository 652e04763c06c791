import type { Heartbeat, Revisions } from '../../contracts/fleet-api.ts';
import type { DocumentKind } from '../../contracts/signed-document.ts';
import type { FleetClient } from './client.ts';
import type { LinkFault } from './link-failure.ts';
import { refusedDocumentMs } from './pace.ts';

/** A rotation of keys comes before what the new keys have signed. */
const kinds: readonly DocumentKind[] = ['keys', 'policy', 'allowlist', 'waivers', 'sealing'];
const MAX_DETAIL_LENGTH = 300;

/** What the daemon's stores say of a document. */
export type Accepted = { ok: true } | { ok: false; code: string; detail: string };

export interface DocumentHooks {
  /** Revisions that the desk obeys; 0 for none. */
  held: () => Revisions;
  accept: (kind: DocumentKind, envelope: unknown) => Promise<Accepted>;
}

interface Refused {
  revision: number;
  code: string;
  detail: string;
  times: number;
  againAtMs: number;
}

export interface DocumentFetcher {
  /** Fetches what is newer than what the desk holds. A fault: the fleet could not be asked to the end. */
  fetch(client: FleetClient, latest: Revisions, nowMs: number): Promise<LinkFault | null>;
  refused(): Heartbeat['refused'];
}

/** Remembers what was refused, so that a document the desk will not take is not fetched with every heartbeat. */
export function createDocumentFetcher(hooks: DocumentHooks): DocumentFetcher {
  const memory = new Map<DocumentKind, Refused>();

  function remember(kind: DocumentKind, revision: number, { code, detail }: { code: string; detail: string }, nowMs: number): void {
    const before = memory.get(kind);
    const times = before?.revision === revision ? before.times + 1 : 1;
    memory.set(kind, { revision, code, detail: detail.slice(0, MAX_DETAIL_LENGTH), times, againAtMs: nowMs + refusedDocumentMs(times) });
  }

  async function offer(kind: DocumentKind, documents: readonly unknown[]): Promise<Accepted> {
    for (const envelope of documents) {
      const taken = await hooks.accept(kind, envelope).catch((error) => ({ ok: false as const, code: 'internal', detail: String(error) }));
      if (!taken.ok) return taken;
    }
    return documents.length > 0 ? { ok: true } : { ok: false, code: 'missing', detail: 'the fleet speaks of a newer one, and gives none' };
  }

  async function fetchOne(client: FleetClient, kind: DocumentKind, latest: number, nowMs: number): Promise<LinkFault | null> {
    const answer = await client.documents(kind, hooks.held()[kind]);
    if (!answer.ok) {
      // Asked for again at once, it would be the same.
      if (answer.fault.code === 'bad-answer') remember(kind, latest, answer.fault, nowMs);
      return answer.fault;
    }
    const taken = await offer(kind, answer.value.documents);
    if (!taken.ok) {
      remember(kind, latest, taken, nowMs);
      return null;
    }
    memory.delete(kind);
    if (kind !== 'keys') return null;
    // Their keys may be trusted now.
    for (const [other, { code }] of memory) if (code === 'bad-signature') memory.delete(other);
    return null;
  }

  return {
    async fetch(client, latest, nowMs) {
      for (const kind of kinds) {
        const before = memory.get(kind);
        if (latest[kind] <= hooks.held()[kind]) memory.delete(kind);
        else if (before?.revision !== latest[kind] || nowMs >= before.againAtMs) {
          const why = await fetchOne(client, kind, latest[kind], nowMs);
          if (why && why.code !== 'bad-answer') return why;
        }
      }
      return null;
    },
    refused: () => [...memory].map(([kind, { code, detail }]) => ({ kind, code: code.slice(0, 40), detail })),
  };
}
