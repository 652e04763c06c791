import { createPublicKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { checkCertificate, lifeOf, renewAtMs } from '../../../../agent/fleet-link/device-certificate.ts';
import { issueClient, issueServer, newAuthority } from '../../../servers/fleet/authority.ts';

const NOW = Date.parse('2026-11-22T12:00:00Z');
const HOUR_MS = 60 * 60_000;
const DEVICE = '7a4bb0a5-2f5c-4d6e-9d3a-1f2e3d4c5b6a';

const ca = newAuthority();
/** Only its key is of interest. */
const { keyPem } = issueServer(ca, ['desk.example.com']);
const otherKey = issueServer(ca, ['desk.example.com']).keyPem;

function certificateFor(key: string, by = ca, fromMs = NOW - HOUR_MS, untilMs = NOW + 168 * HOUR_MS): string {
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString();
  return issueClient(by, publicKey, DEVICE, { notBefore: new Date(fromMs), notAfter: new Date(untilMs) });
}

const codeOf = (certificate: string) => {
  const checked = checkCertificate(certificate, keyPem, ca.certPem, NOW);
  return checked.ok ? 'usable' : `${checked.fault.code}: ${checked.fault.detail}`;
};

describe('a certificate that the fleet gave', () => {
  it.each([
    ['for our key by the pinned CA', certificateFor(keyPem), /^usable$/],
    ['for another key', certificateFor(otherKey), /^bad-certificate: .* is not for the key of this desk$/],
    ['by another CA of the same name', certificateFor(keyPem, newAuthority()), /^bad-certificate: .* is not issued by its CA$/],
    ['that is none', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----', /^bad-certificate: .* cannot be read$/],
    ['that ended 23 hours ago', certificateFor(keyPem, ca, NOW - 48 * HOUR_MS, NOW - 23 * HOUR_MS), /^usable$/],
    ['that ended 25 hours ago', certificateFor(keyPem, ca, NOW - 48 * HOUR_MS, NOW - 25 * HOUR_MS), /^clock: /],
    ['that begins in 23 hours', certificateFor(keyPem, ca, NOW + 23 * HOUR_MS), /^usable$/],
    ['that begins in 25 hours', certificateFor(keyPem, ca, NOW + 25 * HOUR_MS), /^clock: /],
  ])('%s', (_name, certificate, expected) => {
    expect(codeOf(certificate)).toMatch(expected);
  });
});

it('is renewed around two thirds of its life, 5 % of it to either side', () => {
  const life = lifeOf(certificateFor(keyPem, ca, NOW, NOW + 100 * HOUR_MS));
  const atHours = (random: number) => (renewAtMs(life, random) - NOW) / HOUR_MS;
  expect([0, 0.5, 1].map((random) => Math.round(atHours(random) * 100) / 100)).toEqual([61.67, 66.67, 71.67]);
});
