import { nameOf } from '../../audit/checkpoint.ts';
import { type Verified, verifyAudit } from '../../audit/verify.ts';
import { NIL_ID } from '../../db/tenancy.ts';
import { openSigningKeys } from '../../documents/signing-keys.ts';
import { chooseTenant } from '../choose-tenant.ts';
import { type Command, one, UsageFault } from '../command.ts';

export const auditVerify: Command = {
  name: 'audit verify',
  summary: 'prove that no record of the audit was changed, removed or put in',
  usage: '[--tenant SLUG | --deployment] [--head SEQ:HASH] [options]',
  help: `Reads the chain of hashes. Exit status 0 when it holds, 1 when it does not; the first
record that breaks it is named. Keep the printed head elsewhere: by it even a chain that
was written anew from its start shows. The server signs the head once an hour: what is
before the last signed record was not written anew by who has the database alone. Does
that stop hours before now, then the chain was cut there, or no server ran.

  --tenant SLUG        needed where there are several
  --deployment         the records of calls that no tenant could be named for
  --from SEQ, --to SEQ only this part
  --head SEQ:HASH      a head that an earlier run printed; may be given more than once
  --json               one JSON document`,
  options: { tenant: 'string', deployment: 'boolean', from: 'string', to: 'string', head: 'strings', json: 'boolean' },
  positionals: { least: 0, most: 0 },
  async run(given, context) {
    return context.withStore(async (store) => {
      const tenant = given.flags.has('deployment') ? NIL_ID : await chooseTenant(store, one(given, 'tenant'));
      const from = sequence(one(given, 'from'));
      const to = sequence(one(given, 'to'));
      // The store's keys open them: whoever can write to the database alone put none of them there.
      const signers = (await openSigningKeys(store)).all().filter(({ privateKey }) => privateKey !== null);
      const { checked, broken, head, signed } = await verifyAudit(store.db, tenant, {
        ...(from !== null && { from }),
        ...(to !== null && { to }),
        signers,
        checkpoints: (given.values.get('head') ?? []).map(linkOf),
      });
      const hash = Buffer.from(head.hash).toString('hex');
      if (given.flags.has('json')) context.out(`${JSON.stringify({ checked, broken, head: { seq: head.seq, hash }, signed })}\n`);
      else if (broken === null) context.out(`${checked} records hold. Head: ${nameOf(head)}\n${sayOf(signed)}\n`);
      else context.out(`BROKEN at record ${broken.seq}: ${broken.why}; the ${checked} records before it hold.\n`);
      return broken === null ? 0 : 1;
    });
  },
};

function sayOf(signed: Verified['signed']): string {
  return signed
    ? `Signed up to record ${signed.seq}, at ${signed.at}.`
    : 'No checkpoint among them is signed: the server signs one an hour.';
}

function linkOf(text: string) {
  const [, seq = '', hash = ''] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (hash === '') throw new UsageFault(`--head ${text}: expected SEQ:HASH as an earlier run printed it`);
  return { seq: Number(seq), hash: Buffer.from(hash, 'hex') };
}

function sequence(text: string | undefined): number | null {
  if (text === undefined) return null;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new UsageFault(`"${text}" is no number of a record`);
  return value;
}
