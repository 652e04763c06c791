import type { Authority } from './authority.ts';
import { newKey } from './authority.ts';

/** Short: it is renewed by the server itself, and nobody has to do anything for it. */
const LIFE_MS = 30 * 24 * 60 * 60_000;
const RENEW_AT = 2 / 3;
/** A timer for the whole life would run out of what timers can count, and stand still while the computer sleeps. */
const LOOK_MS = 60 * 60_000;

/** As `tls.createServer` and `server.setSecureContext` take them, in PEM. */
export interface ServerCertificate {
  cert: string;
  key: string;
}

export interface RenewedCertificate {
  current(): ServerCertificate;
  /** Renews when two thirds of the life are over; else nothing. Runs by itself once an hour. */
  renewWhenDue(): Promise<void>;
  close(): void;
}

export interface ServerCertificateSettings {
  authority: Authority;
  /** DNS names and addresses that desks or people reach the listener by. */
  names: readonly string[];
  now: () => Date;
  /** To be handed to `server.setSecureContext`, so that new connections see it. */
  onRenew(certificate: ServerCertificate): void;
  onFault(error: unknown): void;
}

/** A listener's certificate by the own CA. Each server process has one of its own, and keeps it in memory only. */
export async function openServerCertificate({
  authority,
  names,
  now,
  onRenew,
  onFault,
}: ServerCertificateSettings): Promise<RenewedCertificate> {
  let held = await issue();
  const timer = setInterval(() => void renewWhenDue().catch(onFault), LOOK_MS).unref();

  async function issue(): Promise<{ certificate: ServerCertificate; renewAtMs: number }> {
    const { privateKey, spki } = await newKey();
    const at = now();
    const { certificate: cert } = await authority.issueServer(names, spki, LIFE_MS, at);
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    return { certificate: { cert, key }, renewAtMs: at.getTime() + LIFE_MS * RENEW_AT };
  }

  async function renewWhenDue(): Promise<void> {
    if (now().getTime() < held.renewAtMs) return;
    held = await issue();
    onRenew(held.certificate);
  }

  return { current: () => held.certificate, renewWhenDue, close: () => clearInterval(timer) };
}
