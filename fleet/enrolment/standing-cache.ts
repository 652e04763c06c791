import type { Db } from '../db/tenancy.ts';

/** A revocation by another server acts here within this time (design section 7). */
const KEPT_MS = 60_000;
const MOST_KEPT = 100_000;

export type Standing = 'good' | 'revoked' | 'unknown';

export interface NamedCertificate {
  tenant: string;
  instance: string;
  device: string;
  serial: string;
}

export interface StandingCache {
  of(certificate: NamedCertificate): Promise<Standing>;
  /** The device's status changes: what is known of it counts no more, from now on. */
  forget(device: string): void;
}

/** Whether certificates that we made are still to be honoured. */
export function createStandingCache({ db, now }: { db: Db; now: () => Date }): StandingCache {
  const kept = new Map<string, { device: string; standing: Standing; atMs: number }>();
  const asking = new Map<string, Promise<Standing>>();
  /** Until when a device's answers are not kept: the change may not be committed yet. */
  const changing = new Map<string, number>();

  async function read({ tenant, instance, device, serial }: NamedCertificate): Promise<Standing> {
    const row = await db.within({ tenant, instance }, (tx) =>
      tx
        .selectFrom('device_certificate')
        .innerJoin('device', (join) =>
          join.onRef('device.tenant_id', '=', 'device_certificate.tenant_id').onRef('device.id', '=', 'device_certificate.device_id'),
        )
        .select(['device.status', 'device_certificate.revoked_at'])
        .where('device_certificate.serial', '=', serial)
        .where('device.id', '=', device)
        .executeTakeFirst(),
    );
    if (!row) return 'unknown';
    if (row.status === 'revoked' || row.revoked_at !== null) return 'revoked';
    return row.status === 'enrolled' ? 'good' : 'unknown';
  }

  function isChanging(device: string, atMs: number): boolean {
    const until = changing.get(device);
    if (until === undefined) return false;
    if (atMs < until) return true;
    changing.delete(device);
    return false;
  }

  return {
    async of(certificate) {
      const { device, serial } = certificate;
      const atMs = now().getTime();
      if (isChanging(device, atMs)) return read(certificate);
      const known = kept.get(serial);
      if (known && atMs >= known.atMs && atMs - known.atMs < KEPT_MS) return known.standing;
      // One question for all that come at once. The answer's age counts from the question.
      const asked = asking.get(serial);
      if (asked) return asked;
      const answer = read(certificate).finally(() => asking.delete(serial));
      asking.set(serial, answer);
      const standing = await answer;
      if (isChanging(device, now().getTime())) return standing;
      kept.delete(serial);
      kept.set(serial, { device, standing, atMs });
      if (kept.size > MOST_KEPT) {
        const [oldest] = kept.keys();
        if (oldest !== undefined) kept.delete(oldest);
      }
      return standing;
    },
    forget(device) {
      const atMs = now().getTime();
      changing.set(device, atMs + KEPT_MS);
      for (const [one, until] of changing) if (until <= atMs) changing.delete(one);
    },
  };
}
