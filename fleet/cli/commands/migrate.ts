import type { Command } from '../command.ts';

export const migrate: Command = {
  name: 'migrate',
  summary: 'bring the schema of the database up to date',
  usage: '[options]',
  help: `Applies what is new, forward only, as the owner of the tables: MIGRATE_DATABASE_URL or
database.ownerUrl of the configuration. The embedded database is migrated at every start.`,
  options: {},
  positionals: { least: 0, most: 0 },
  async run(_given, context) {
    await context.withStore(async () => {});
    context.out('The schema is up to date.\n');
    return 0;
  },
};
