import { Secret, TOTP } from 'otpauth';
import type { Actor } from '../access/actor.ts';
import { may } from '../access/decide.ts';
import { demand } from '../access/refusal.ts';
import type { Keyring } from '../crypto/keyring.ts';
import type { Tx } from '../db/tenancy.ts';
import { releaseSecretPlace } from '../enrolment/enrol.ts';
import { FleetFault } from '../http/fault.ts';
import { deskPlaces } from '../policies/desk-places.ts';

/** As the desk reckons (agent/gate/release-code.ts): RFC 6238 with HMAC-SHA-256. */
const PERIOD_SEC = 30;
const DIGITS = 8;

export function releaseCodeAt(secret: Uint8Array, at: Date): { code: string; validUntil: Date } {
  const bytes = Uint8Array.from(secret);
  const totp = new TOTP({ secret: new Secret({ buffer: bytes.buffer }), algorithm: 'SHA256', digits: DIGITS, period: PERIOD_SEC });
  const periodMs = PERIOD_SEC * 1_000;
  return {
    code: totp.generate({ timestamp: at.getTime() }),
    validUntil: new Date((Math.floor(at.getTime() / periodMs) + 1) * periodMs),
  };
}

export interface ReleaseCodeAsked {
  tx: Tx;
  actor: Actor;
  now: Date;
  desk: string;
}

/** The code that opens the gate of one desk for an hour, to be read out to whoever sits there. */
export async function readReleaseCode(keyring: Keyring, { tx, actor, now, desk }: ReleaseCodeAsked) {
  const row = await tx
    .selectFrom('device')
    .select(['tenant_id', 'instance_id', 'status', 'release_secret_sealed'])
    .where('id', '=', desk)
    .executeTakeFirst();
  const place = row && (await deskPlaces(tx, row.instance_id, [desk])).get(desk);
  if (!row || !place) throw new FleetFault('not-found', 'there is no such thing');
  const rule = demand(may(actor, 'Devices.ReleaseCode', { groupPath: place.path.length > 0 ? place.path : null, tags: place.tags }));
  if (row.status !== 'enrolled' || row.release_secret_sealed === null) {
    throw new FleetFault('conflict', 'this desk takes no release code', { rule });
  }
  const owner = { tenant: row.tenant_id, instance: row.instance_id };
  const secret = await keyring.open(tx, owner, 'secrets', releaseSecretPlace(desk), row.release_secret_sealed);
  return { ...releaseCodeAt(secret, now), rule };
}
