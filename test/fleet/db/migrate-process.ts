import { migrate, readMigrations } from '../../../fleet/db/migrate.ts';

// A replica that starts: migrates the database of its first argument, and says what it applied.
const [ownerUrl = '', appRole = '', dir] = process.argv.slice(2);
console.log(JSON.stringify(await migrate(ownerUrl, appRole, await readMigrations(dir))));
