import { randomUUID } from 'node:crypto';
import { appendAudit } from '../../audit/append.ts';
import { type Db, NIL_ID } from '../../db/tenancy.ts';
import { FleetFault } from '../../http/fault.ts';
import { countedAs } from '../address.ts';
import type { Denial, DenyKind, DenyList } from './deny-list.ts';
import { createSlidingWindow } from './sliding-window.ts';

export interface AbuseLimit {
  kind: DenyKind;
  most: number;
  windowMs: number;
  /** For so long whoever goes beyond is kept out. */
  denyMs: number;
}

const MINUTE_MS = 60_000;

/** Requirement S0-73. Whole sites stand behind one address, hence what counts by address is only what nobody can be named for. */
export const ABUSE_LIMITS = {
  /** A secret that is no ticket's: nobody guesses 256 bits, but nobody who has a ticket shows another either. */
  'ticket-guess': { kind: 'address', most: 20, windowMs: 10 * MINUTE_MS, denyMs: 15 * MINUTE_MS },
  /** Calls without a good certificate. A site of 1,000 desks that enrols at once makes 2,000, and comes again when told to. */
  anonymous: { kind: 'address', most: 1_200, windowMs: MINUTE_MS, denyMs: MINUTE_MS },
  /** A desk that was offline for days sends its reports one after the other. */
  device: { kind: 'device', most: 3_000, windowMs: MINUTE_MS, denyMs: MINUTE_MS },
  /** Sign-ins that failed. */
  'sign-in-account': { kind: 'account', most: 10, windowMs: 15 * MINUTE_MS, denyMs: 15 * MINUTE_MS },
  'sign-in-address': { kind: 'address', most: 50, windowMs: 15 * MINUTE_MS, denyMs: 15 * MINUTE_MS },
} as const satisfies Record<string, AbuseLimit>;
export type AbuseLimitName = keyof typeof ABUSE_LIMITS;

export interface Denied extends Denial {
  because: AbuseLimitName;
  until: Date;
}

export interface AbuseGuard {
  /** Counts one call against a limit. Throws `slow-down` for one too many, and for whoever is kept out already. */
  count(limit: AbuseLimitName, subject: { tenant: string; id: string } | { address: string }): Promise<void>;
  /** Throws `slow-down` for whoever is kept out. */
  demandWelcome(kind: DenyKind, subject: { tenant: string; id: string } | { address: string }): Promise<void>;
  /** An entry was removed from the list: whoever it kept out begins anew. */
  forgive(denial: Denial): void;
  /** Resolves once what was decided so far is in the database. */
  settled(): Promise<void>;
}

export interface AbuseGuardSettings {
  db: Db;
  denyList: DenyList;
  now: () => Date;
  limits?: Partial<Record<AbuseLimitName, AbuseLimit>>;
  onDenied(denied: Denied): void;
  onFault(error: unknown): void;
}

type Subject = { tenant: string; id: string } | { address: string };

export function createAbuseGuard({ db, denyList, now, limits, onDenied, onFault }: AbuseGuardSettings): AbuseGuard {
  const windows = new Map(
    Object.entries({ ...ABUSE_LIMITS, ...limits }).map(([name, limit]) => {
      return [name, { limit, window: createSlidingWindow(limit.most, limit.windowMs) }] as const;
    }),
  );
  let writing: Promise<unknown> = Promise.resolve();

  function deny(denial: Denial, because: AbuseLimitName, until: Date): void {
    // Not waited for: whoever is refused holds a connection to the database already.
    const write = denyList.add(denial, because, until).then(async (isNew) => {
      if (!isNew) return;
      onDenied({ ...denial, because, until });
      await db.within({ tenant: denial.tenant }, (tx) => appendAudit(tx, denial.tenant, recordOf(denial, because, now())));
    });
    writing = Promise.all([writing, write.catch(onFault)]);
  }

  async function demandWelcome(kind: DenyKind, subject: Subject): Promise<void> {
    const until = await denyList.deniedUntil(denialOf(kind, subject));
    if (until) throw slowDown(until.getTime() - now().getTime());
  }

  return {
    demandWelcome,
    async count(name, subject) {
      const counted = windows.get(name);
      if (!counted) throw new TypeError(`no limit ${name}`);
      const { limit, window } = counted;
      const denial = denialOf(limit.kind, subject);
      await demandWelcome(limit.kind, subject);
      const at = now();
      if (!window.exceeds(`${denial.tenant} ${denial.subject}`, at.getTime())) return;
      // Else it would be kept out again right after its time.
      window.forget(`${denial.tenant} ${denial.subject}`);
      deny(denial, name, new Date(at.getTime() + limit.denyMs));
      throw slowDown(limit.denyMs);
    },
    forgive(denial) {
      denyList.forget(denial);
      for (const { limit, window } of windows.values()) {
        if (limit.kind === denial.kind) window.forget(`${denial.tenant} ${denial.subject}`);
      }
    },
    async settled() {
      await writing;
    },
  };
}

function denialOf(kind: DenyKind, subject: Subject): Denial {
  if ('address' in subject) return { tenant: NIL_ID, kind, subject: countedAs(subject.address) };
  return { tenant: subject.tenant, kind, subject: subject.id };
}

function slowDown(forMs: number): FleetFault {
  const retryAfterSec = Math.max(1, Math.ceil(forMs / 1_000));
  return new FleetFault('slow-down', `too many calls: come again in ${retryAfterSec} s`, { retryAfterSec });
}

function recordOf({ kind, subject }: Denial, because: string, at: Date) {
  return {
    eventId: randomUUID(),
    at: at.toISOString(),
    actor: { kind: 'system' as const },
    action: 'abuse.denied',
    status: 0,
    code: because,
    // An address is about a person, and the chain is kept for years: the deny list itself has it for minutes.
    targets: [{ type: kind, id: kind === 'address' ? 'withheld' : subject }],
    requestId: 'none',
  };
}
