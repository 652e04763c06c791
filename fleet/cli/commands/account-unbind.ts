import { accountByName } from '../../sign-in/account.ts';
import { forgetSubjects } from '../../sign-in/oidc-sign-in.ts';
import { auditedAs } from '../audited.ts';
import { chooseTenant } from '../choose-tenant.ts';
import { type Command, one, UsageFault } from '../command.ts';

export const accountUnbind: Command = {
  name: 'account unbind',
  summary: 'let accounts sign in anew at an identity provider that was set up anew',
  usage: '(--name NAME | --all) [--tenant SLUG]',
  help: `The first sign-in binds an account to the person that the identity provider named. Where the
provider was replaced, or gave somebody another identity, the account is refused until it is
unbound; its next sign-in binds it again.

  --name NAME          one account
  --all                every account of the tenant
  --tenant SLUG        needed where there are several`,
  options: { name: 'string', all: 'boolean', tenant: 'string' },
  positionals: { least: 0, most: 0 },
  async run(given, context) {
    const name = one(given, 'name');
    if ((name === undefined) !== given.flags.has('all')) throw new UsageFault('give either --name NAME or --all');
    return context.withStore(async (store) => {
      const tenant = await chooseTenant(store, one(given, 'tenant'));
      const unbound = await auditedAs(store, tenant, 'account unbind', async (tx) => {
        const account = name === undefined ? undefined : await accountByName(tx, store.keyring, tenant, name);
        if (account === null) return { value: null, targets: [] };
        const value = await forgetSubjects(tx, account?.id);
        return { value, targets: account ? [{ type: 'account', id: account.id }] : [{ type: 'tenant', id: tenant }] };
      });
      if (unbound === null) {
        context.err(`deskwarden-fleet account unbind: there is no account "${name}"\n`);
        return 1;
      }
      context.out(`${unbound} account(s) unbound\n`);
      return 0;
    });
  },
};
