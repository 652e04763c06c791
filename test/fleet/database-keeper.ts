import { rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import pg from 'pg';
import { type Embedded, openEmbedded } from '../../fleet/db/embedded.ts';
import { binariesIn } from '../../fleet/db/embedded-binaries.ts';
import { migrate } from '../../fleet/db/migrate.ts';
import { APP_ROLE } from '../../fleet/db/roles.ts';
import { thisMachine } from './this-machine.ts';

// Keeps the database server of one test run, in a process of its own: workers come and go with each test file.
// Arguments: a directory, the process of the run, PostgreSQL's programs (empty: npm's), "durable" or nothing.

const WATCH_MS = 300;
const TEMPLATE = 'template_fleet';
const [dir = '', run = '', binDir = '', durable = ''] = process.argv.slice(2);

async function main(): Promise<void> {
  const server = await openEmbedded({
    dir: path.join(dir, 'pg'),
    machine: thisMachine,
    database: TEMPLATE,
    durable: durable === 'durable',
    settings: ['max_connections=200', 'shared_buffers=64MB'],
    ...(binDir ? { binaries: binariesIn(binDir, process.platform) } : {}),
  });
  endWithTheRun(server);
  await migrate(server.ownerUrl, APP_ROLE);
  await makeTemplate(server.adminUrl);
  const draft = path.join(dir, 'ready.new');
  await writeFile(draft, JSON.stringify({ ...server, keeper: process.pid }));
  await rename(draft, path.join(dir, 'ready.json'));
}

function endWithTheRun(server: Embedded): void {
  let ending = false;
  const end = () => {
    if (ending) return;
    ending = true;
    server
      .stop()
      .then(() => rm(dir, { recursive: true, force: true }))
      .finally(() => process.exit(0));
  };
  process.on('SIGTERM', end);
  setInterval(() => {
    try {
      process.kill(Number(run), 0);
    } catch {
      end();
    }
  }, WATCH_MS);
}

/** A template can be copied while nobody is connected to it. */
async function makeTemplate(adminUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  await client.query(`alter database ${TEMPLATE} with is_template true allow_connections false`);
  await client.end();
}

main().catch(async (error: unknown) => {
  await writeFile(path.join(dir, 'failed.txt'), error instanceof Error ? `${error.stack}` : String(error)).catch(() => undefined);
  process.exit(1);
});
