import type { z } from 'zod';
import {
  DocumentsAnswer,
  EnrolAnswer,
  type EnrolRequest,
  type Heartbeat,
  HeartbeatAnswer,
  RenewAnswer,
  type RenewRequest,
  ReportAnswer,
  TrustAnswer,
} from '../../contracts/fleet-api.ts';
import type { Report } from '../../contracts/report.ts';
import type { DocumentKind } from '../../contracts/signed-document.ts';
import { exchange, type Wanted } from './exchange.ts';
import { openFleetConnection } from './fleet-connection.ts';
import { type Credentials, connectTrusted, connectUnverified, type Line } from './fleet-line.ts';
import { MAX_ANSWER_BYTES, MAX_DOCUMENTS_BYTES } from './limits.ts';
import { type Answer, fault } from './link-failure.ts';

/** What every answer of `/device/v1` but the first is asked over: the pinned CA vouches for the other end. */
export interface FleetClient {
  enrol(request: EnrolRequest): Promise<Answer<EnrolAnswer>>;
  renew(request: RenewRequest): Promise<Answer<RenewAnswer>>;
  heartbeat(heartbeat: Heartbeat): Promise<Answer<HeartbeatAnswer>>;
  documents(kind: DocumentKind, after: number): Promise<Answer<DocumentsAnswer>>;
  report(report: Report): Promise<Answer<ReportAnswer>>;
  /** What is under way ends as `stopped`. */
  close(): Promise<void>;
}

export interface FleetClientSettings extends Line {
  /** The pinned CA, in PEM. */
  ca: string;
  /** Null for a desk that has none yet. */
  credentials: Credentials | null;
}

/** One connection, opened when it is wanted and again when it is lost. Never rejects. */
export function createFleetClient({ ca, credentials, ...line }: FleetClientSettings): FleetClient {
  const opened = openClient(line, (signal) => connectTrusted(line, ca, credentials, signal));
  return {
    enrol: (body) => opened.ask({ method: 'POST', path: '/device/v1/enrol', body, schema: EnrolAnswer, maxBytes: MAX_ANSWER_BYTES }),
    renew: (body) => opened.ask({ method: 'POST', path: '/device/v1/renew', body, schema: RenewAnswer, maxBytes: MAX_ANSWER_BYTES }),
    heartbeat: (body) =>
      opened.ask({ method: 'POST', path: '/device/v1/heartbeat', body, schema: HeartbeatAnswer, maxBytes: MAX_ANSWER_BYTES }),
    documents: (kind, after) =>
      opened.ask({
        method: 'GET',
        path: `/device/v1/documents/${kind}?after=${after}`,
        schema: DocumentsAnswer,
        maxBytes: MAX_DOCUMENTS_BYTES,
      }),
    report: (body) => opened.ask({ method: 'POST', path: '/device/v1/reports', body, schema: ReportAnswer, maxBytes: MAX_ANSWER_BYTES }),
    close: () => opened.close(),
  };
}

/** What a fleet says of itself to somebody who trusts nobody yet: to be believed as far as a ticket vouches for it. */
export async function fetchTrust(line: Line, signal: AbortSignal): Promise<Answer<TrustAnswer>> {
  const opened = openClient(line, (inner) => connectUnverified(line, inner));
  const stop = () => void opened.close();
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  try {
    return await opened.ask({ method: 'GET', path: '/device/v1/trust', schema: TrustAnswer, maxBytes: MAX_ANSWER_BYTES });
  } finally {
    signal.removeEventListener('abort', stop);
    await opened.close();
  }
}

interface OpenedClient {
  ask<S extends z.ZodType>(wanted: Wanted<S>): Promise<Answer<z.output<S>>>;
  close(): Promise<void>;
}

function openClient({ server, deadlines, clock }: Line, connect: (signal: AbortSignal) => ReturnType<typeof connectTrusted>): OpenedClient {
  const closing = new AbortController();
  const { signal } = closing;
  const connection = openFleetConnection({ server, deadlines, connect: () => connect(signal) });
  return {
    async ask(wanted) {
      if (signal.aborted) return fault('stopped', 'the link is closed');
      return exchange(connection, wanted, { totalMs: deadlines.totalMs, signal, wallMs: () => clock.wallMs() });
    },
    async close() {
      closing.abort();
      await connection.close();
    },
  };
}
