import { createAdminLink } from '../../sign-in/link.ts';
import { auditedAs } from '../audited.ts';
import { chooseTenant } from '../choose-tenant.ts';
import { type Command, one } from '../command.ts';

export const adminLink: Command = {
  name: 'admin link',
  summary: 'print a one-time link to sign in with, for the first day or a lost second factor',
  usage: '[--name NAME] [--tenant SLUG]',
  help: `The link sets the password and the second factor of a local account, once, within 15
minutes. The account is made with the profile FleetAdmin where there is none.

  --name NAME          the account; "admin" by default
  --tenant SLUG        needed where there are several`,
  options: { name: 'string', tenant: 'string' },
  positionals: { least: 0, most: 0 },
  async run(given, context) {
    const user = one(given, 'name') ?? 'admin';
    return context.withStore(async (store) => {
      const tenant = await chooseTenant(store, one(given, 'tenant'));
      const link = await auditedAs(store, tenant, 'admin link', async (tx) => {
        const made = await createAdminLink(tx, store.keyring, { tenant, user, now: store.now() });
        return { value: made, targets: made ? [{ type: 'account', id: made.account }] : [] };
      });
      if (link === null) {
        context.err(`deskwarden-fleet admin link: the account "${user}" is disabled, or signs in elsewhere\n`);
        return 1;
      }
      context.out(`${new URL(`/sign-in#${link.token}`, store.config.console.url)}\n`);
      context.err(`Good once, until ${link.expiresAt.toISOString()}. Whoever has it becomes ${user}.\n`);
      return 0;
    });
  },
};
