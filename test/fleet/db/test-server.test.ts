import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { readPostmaster } from '../../../fleet/db/postmaster-file.ts';
import { addTenant, openTestDatabase } from '../database.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { isThere, untilGone } from './stage-server.ts';

const WITHIN_MS = 20_000;

describeWithDatabase('the server of the tests', () => {
  it('gives each test a database of its own, of one server', async () => {
    const [one, two] = await Promise.all([openTestDatabase(), openTestDatabase()]);
    const { tenant } = await addTenant(one.db);
    expect((await one.db.tenants()).map(({ id }) => id)).toEqual([tenant]);
    expect(await two.db.tenants()).toEqual([]);
    expect(new URL(one.adminUrl.replace('@/', '@x/')).search).toBe(new URL(two.adminUrl.replace('@/', '@x/')).search);
    await Promise.all([one.close(), two.close()]);
  });

  it('ends with a run that was not asked to end it', { timeout: 60_000 }, async () => {
    const program = fileURLToPath(new URL('test-run.ts', import.meta.url));
    const { VITEST_POOL_ID: _, ...env } = process.env;
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', program], { env });
    const socketDir = new URL(stdout.trim().replace('@/', '@x/')).searchParams.get('host') ?? '';
    const runDir = path.resolve(socketDir, '../..');
    const running = existsSync(runDir) ? await readPostmaster(path.resolve(socketDir, '../data')) : null;
    const startedAt = performance.now();
    while (existsSync(runDir) && performance.now() - startedAt < WITHIN_MS) await delay(50);
    expect(existsSync(runDir)).toBe(false);
    if (running) await untilGone([running.pid]);
    expect(isThere(running?.pid ?? 0)).toBe(false);
  });
});
