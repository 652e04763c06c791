import type { JsonWebKey } from 'node:crypto';
import { appendFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DocumentKind, SignedDocument, VerificationKey } from '../../../contracts/signed-document.ts';
import { newSigner, type Signer, signerOf } from '../../unit/agent/store/signer.ts';
import { type Held, issueServer, newAuthority } from './authority.ts';

export type Approval = 'automatic' | 'by-hand';

export interface TicketRecord {
  secret: string;
  maxUses: number;
  /** Wall clock, ms. */
  expiresAt: number;
  approval: Approval;
}

export interface DeviceRecord {
  id: string;
  status: 'pending' | 'enrolled' | 'revoked' | 'refused';
  ticket: string;
  publicKeyPem: string;
  certificate: string | null;
  hostName: string;
  releaseSecret: string;
  enrolledAt: string;
}

export interface Published {
  kind: DocumentKind;
  revision: number;
  /** Null: for every desk. */
  device: string | null;
  document: SignedDocument;
}

export interface ReportRecord {
  id: string;
  device: string;
  epoch: string;
  seq: number;
  report: unknown;
}

interface Kept {
  ca: Held;
  server: Held;
  /** The first signing key: tickets vouch for it, and rotations lead from it to the signer. */
  root: VerificationKey;
  signer: { kid: string; jwk: JsonWebKey };
  tickets: TicketRecord[];
  devices: DeviceRecord[];
  published: Published[];
}

export interface FleetState extends Omit<Kept, 'signer'> {
  signer: Signer;
  reports: ReportRecord[];
  save(): void;
  keepReport(record: ReportRecord): void;
}

/** What a fleet must not forget; in `dir` when there is one, else in memory alone. */
export function openFleetState(dir: string | undefined, names: readonly string[]): FleetState {
  const kept = (dir === undefined ? null : readKept(dir)) ?? newFleet(names);
  const state: FleetState = {
    ...kept,
    signer: signerOf(kept.signer.kid, kept.signer.jwk as Parameters<typeof signerOf>[1]),
    reports: dir === undefined ? [] : readReports(dir),
    save() {
      if (dir === undefined) return;
      const { ca, server, root, tickets, devices, published, signer } = state;
      const jwk = signer.privateKey.export({ format: 'jwk' });
      mkdirSync(dir, { recursive: true, mode: 0o700 });
      const text = JSON.stringify({
        ca,
        server,
        root,
        tickets,
        devices,
        published,
        signer: { kid: signer.kid, jwk },
      } satisfies Kept);
      writeFileSync(join(dir, 'fleet.json.new'), text, { mode: 0o600 });
      renameSync(join(dir, 'fleet.json.new'), join(dir, 'fleet.json'));
    },
    keepReport(record) {
      state.reports.push(record);
      if (dir !== undefined) appendFileSync(join(dir, 'reports.ndjson'), `${JSON.stringify(record)}\n`, { mode: 0o600 });
    },
  };
  state.save();
  return state;
}

function newFleet(names: readonly string[]): Kept {
  const ca = newAuthority();
  const signer = newSigner('fleet-1');
  return {
    ca,
    server: issueServer(ca, names),
    root: signer.publicKey,
    signer: { kid: signer.kid, jwk: signer.privateKey.export({ format: 'jwk' }) },
    tickets: [],
    devices: [],
    published: [],
  };
}

function readKept(dir: string): Kept | null {
  try {
    return JSON.parse(readFileSync(join(dir, 'fleet.json'), 'utf8')) as Kept;
  } catch {
    return null;
  }
}

function readReports(dir: string): ReportRecord[] {
  try {
    const lines = readFileSync(join(dir, 'reports.ndjson'), 'utf8').split('\n');
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as ReportRecord);
  } catch {
    return [];
  }
}
