import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Authority, createAuthority, createKey, issueLeaf, selfSign } from './certificates.ts';
import { instanceHost, portal, webHosts } from './world.ts';

/** Everything is PEM. Leaves share one RSA key: the old protocol versions and ciphers need RSA. */
export interface Pki {
  root: string;
  leafKey: string;
  /** Leaf and intermediate, by host name. */
  chains: Record<string, string>;
  /** For the instance's host, each with one fault. */
  expired: string;
  wrongHost: string;
  selfSigned: string;
  portal: string;
  inspector: { key: string; certificate: string };
  /** Milliseconds since the epoch. */
  leavesEndAt: number;
}

const DAY_MS = 24 * 60 * 60_000;
const LEAF_LIFE_DAYS = 180;
/** Checks may warn of a leaf that ends soon; the lab's healthy ones must not. */
const LEAF_REST_DAYS = 60;

const cachePath = fileURLToPath(new URL('../../node_modules/.cache/deskwarden-lab/pki.json', import.meta.url));

/** Made once and kept beside the other build caches. Labs that start together may each make one: the last stays. */
export async function loadPki(now: number = Date.now(), path: string = cachePath): Promise<Pki> {
  const kept = readPki(path, now);
  if (kept) return kept;
  const made = await makePki(now);
  mkdirSync(dirname(path), { recursive: true });
  const temporaryPath = `${path}.${process.pid}-${randomBytes(4).toString('hex')}`;
  writeFileSync(temporaryPath, JSON.stringify(made), { mode: 0o600 });
  renameSync(temporaryPath, path);
  return made;
}

/** Null when absent, damaged, of other hosts than today's, or near its end. */
function readPki(path: string, now: number): Pki | null {
  try {
    const kept = JSON.parse(readFileSync(path, 'utf8')) as Partial<Pki>;
    const whole = kept.inspector?.key && kept.root && kept.leafKey && kept.expired && kept.wrongHost && kept.selfSigned && kept.portal;
    const current = (kept.leavesEndAt ?? 0) > now + LEAF_REST_DAYS * DAY_MS;
    const covered = Object.keys(webHosts).every((host) => kept.chains?.[host]);
    return whole && current && covered ? (kept as Pki) : null;
  } catch {
    return null;
  }
}

async function makePki(now: number): Promise<Pki> {
  const [root, leafKey, inspector] = await Promise.all([
    createAuthority({ commonName: 'Deskwarden Lab Root CA', organization: 'Deskwarden Lab' }, now),
    createKey(),
    createAuthority({ commonName: 'Example Inspection CA', organization: 'Example Inspect' }, now),
  ]);
  const intermediate = await createAuthority({ commonName: 'Deskwarden Lab CA 1', organization: 'Deskwarden Lab' }, now, root);
  const from = now - 30 * DAY_MS;
  const leavesEndAt = now + LEAF_LIFE_DAYS * DAY_MS;
  const chainFor = (host: string, life: { from: number; until: number }) =>
    withIssuer(intermediate, issueLeaf(intermediate, leafKey, host, life));
  const life = { from, until: leavesEndAt };
  return {
    root: root.certificatePem,
    leafKey: leafKey.privatePem,
    chains: Object.fromEntries(Object.keys(webHosts).map((host) => [host, chainFor(host, life)])),
    expired: chainFor(instanceHost, { from: now - 120 * DAY_MS, until: now - 2 * DAY_MS }),
    wrongHost: chainFor('other.example.com', life),
    selfSigned: selfSign(leafKey, instanceHost, life),
    portal: selfSign(leafKey, portal.host, life),
    inspector: { key: inspector.key.privatePem, certificate: inspector.certificatePem },
    leavesEndAt,
  };
}

function withIssuer(issuer: Authority, leafPem: string): string {
  return leafPem + issuer.certificatePem;
}

/** The first certificate of a chain. */
export function leafOf(chain: string): string {
  const end = '-----END CERTIFICATE-----\n';
  return chain.slice(0, chain.indexOf(end) + end.length);
}
