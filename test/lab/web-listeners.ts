import type { SecureVersion } from 'node:tls';

export interface TlsSettings {
  key: string;
  cert: string;
  minVersion?: SecureVersion;
  maxVersion?: SecureVersion;
  ciphers?: string;
}

interface Place {
  address: string;
  port: number;
}

/** What the web server of a lab listens on; written to a file for it to read. */
export type WebListener = Place &
  (
    | { kind: 'host'; tls?: TlsSettings; webSocket: boolean }
    | { kind: 'to-https' }
    | { kind: 'portal'; tls?: TlsSettings; host: string }
    | { kind: 'plain-text' }
    /** Passes on to `upstream`, unless the first bytes name `host`. */
    | { kind: 'resets-name'; host: string; upstream: Place }
  );
