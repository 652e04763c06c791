import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connect } from 'node:tls';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../database.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { type EnrolledDesk, enrolDesks } from '../http/enrolled-desks.ts';
import { aReport } from '../intake/desk-reports.ts';
import { type Ask, type RunningServer, runServer } from '../running-server.ts';
import { signInAsAdmin } from '../signed-in.ts';

const root = path.join(import.meta.dirname, '../../..');

describeWithDatabase('a server that is told to stop', () => {
  let server: RunningServer;
  let desk: EnrolledDesk;
  beforeAll(async () => {
    server = await runServer();
    [desk] = (await enrolDesks(server, await signInAsAdmin(server), 1)) as [EnrolledDesk];
  });
  afterAll(() => server?.close());

  it('answers what it has taken in, says that it stops, takes nothing new, and listens no more', async () => {
    const report = (seq: number): Ask => ({
      method: 'POST',
      path: '/device/v1/reports',
      body: aReport(desk.device, { seq, scope: 'full' }),
    });
    expect((await desk.ask(report(0))).status).toBe(200);
    expect(await server.console({ path: '/readyz' })).toMatchObject({ status: 200, text: 'ok\n' });
    const blocker = new pg.Client({ connectionString: server.database.adminUrl });
    await blocker.connect();
    await blocker.query('begin');
    await blocker.query('select 1 from desk_state where device_id = $1 for update', [desk.device]);
    const inFlight = desk.ask(report(1));
    await expect
      .poll(
        async () =>
          (await blocker.query("select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()")).rowCount,
      )
      .toBe(1);

    const stopping = server.server.stop();
    expect(await server.console({ path: '/readyz' })).toMatchObject({ status: 503, text: 'stopping\n' });
    const late = await desk.ask(report(2));
    expect([late.status, late.body, late.headers['retry-after']]).toEqual([
      503,
      { error: { code: 'unavailable', detail: expect.stringContaining('stopping') } },
      expect.stringMatching(/^\d+$/),
    ]);
    await blocker.query('commit');
    expect((await inFlight).status).toBe(200);
    await stopping;
    const { rows } = await blocker.query('select seq from desk_epoch where device_id = $1 order by seq', [desk.device]);
    await blocker.end();
    expect(rows.map(({ seq }) => Number(seq))).toEqual([1]);
    for (const ask of [server.device({ path: '/device/v1/trust' }), server.console({ path: '/healthz' })]) {
      await expect(ask).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    }
    expect(server.events.map(({ event }) => event).slice(-2)).toEqual(['stopping', 'stopped']);
    await server.server.stop();
  });
});

describeWithDatabase('a caller who goes away while the server stops', () => {
  it('leaves a call that is finished and recorded', async () => {
    const server = await runServer();
    const admin = await signInAsAdmin(server);
    const head = async () => {
      const row = await server.store.db.within({ tenant: server.tenant }, (tx) =>
        tx.selectFrom('audit_head').select('seq').executeTakeFirstOrThrow(),
      );
      return Number(row.seq);
    };
    const before = await head();
    const blocker = new pg.Client({ connectionString: server.database.adminUrl });
    await blocker.connect();
    await blocker.query('begin');
    await blocker.query('select 1 from audit_head where tenant_id = $1 for update', [server.tenant]);
    const gone = connect({ host: '127.0.0.1', port: server.server.consolePort, ca: server.ca }, () => {
      gone.write(`GET /api/v1/permissions HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: ${admin.cookie}\r\n\r\n`);
    });
    gone.on('error', () => {});
    const waits = "select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()";
    await expect.poll(async () => (await blocker.query(waits)).rowCount).toBe(1);
    gone.destroy();
    const stopping = server.server.stop();
    await new Promise((resolve) => setTimeout(resolve, 300));
    await blocker.query('commit');
    await stopping;
    expect(await head()).toBe(before + 1);
    await blocker.end();
    await server.close();
  });
});

describeWithDatabase('a server with connections that nobody speaks on', () => {
  it('does not wait for them, and still for whoever has begun to ask', async () => {
    const server = await runServer();
    const open = async (port: number) => {
      const socket = connect({ host: '127.0.0.1', port, ca: server.ca });
      socket.on('error', () => {});
      await once(socket, 'secureConnect');
      return socket;
    };
    const { devicePort, consolePort } = server.server;
    const ahead = await Promise.all([devicePort, consolePort, consolePort].map(open));
    const half = await open(consolePort);
    half.write('GET /healthz HTTP/1.1\r\n');
    await new Promise((resolve) => setTimeout(resolve, 200));
    let stopped = false;
    const stopping = server.server.stop().then(() => {
      stopped = true;
    });
    await expect.poll(() => ahead.every(({ closed }) => closed), { timeout: 3_000 }).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect([stopped, half.closed]).toEqual([false, false]);
    let answer = '';
    half.on('data', (chunk: Buffer) => (answer += chunk));
    half.write('Host: 127.0.0.1\r\n\r\n');
    await stopping;
    expect(answer).toMatch(/^HTTP\/1.1 503 /);
    await server.close();
  });
});

describeWithDatabase('a preview that runs while the server stops', () => {
  it('has ended, and says so, before the server lets go of the database', async () => {
    let held: (() => void) | null = null;
    let reads = 0;
    let asks = false;
    const server = await runServer({
      throughInner: (db) => ({
        ...db,
        async within(scope, work) {
          // What a preview reads: its row is written by then.
          if (asks && scope.instance !== undefined && ++reads === 2) await new Promise<void>((resolve) => (held = resolve));
          return db.within(scope, work);
        },
      }),
    });
    const admin = await signInAsAdmin(server);
    const base = `/api/v1/instances/${server.instance}/policies/floor`;
    const source = 'schema: 1\nid: floor\ninstance: { alias: acme, region: us-west-2 }\n';
    expect((await admin.ask({ method: 'PUT', path: base, body: { source } })).status).toBe(200);
    asks = true;
    const begun = await admin.ask({ method: 'POST', path: `${base}/previews`, body: {} });
    expect(begun.status).toBe(202);
    await expect.poll(() => held !== null).toBe(true);
    let stopped = false;
    const stopping = server.server.stop().then(() => {
      stopped = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(stopped).toBe(false);
    (held as (() => void) | null)?.();
    await stopping;
    const { status } = await server.store.db.within({ tenant: server.tenant }, (tx) =>
      tx.selectFrom('policy_preview').select('status').executeTakeFirstOrThrow(),
    );
    expect(status).toBe('failed');
    await server.close();
  });
});

describeWithDatabase('the program', () => {
  let database: TestDatabase;
  let dir: string;
  const children: ChildProcess[] = [];
  beforeAll(async () => {
    [database, dir] = await Promise.all([openTestDatabase(), mkdtemp(path.join(tmpdir(), 'deskwarden-fleet-stop-'))]);
  });
  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL');
    await database?.close();
    if (dir) await rm(dir, { recursive: true, force: true });
  });

  async function start(): Promise<{ child: ChildProcess; said(): string; until(text: string): Promise<void> }> {
    const config = {
      schema: 1,
      dataDir: dir,
      device: { listen: { port: 0 }, url: 'https://127.0.0.1:7443' },
      console: { listen: { port: 0 }, url: 'https://127.0.0.1:8443' },
      tenants: [
        { slug: 'acme', name: 'Acme', region: 'eu-central-1', instances: [{ alias: 'acme', region: 'us-west-2' }], retention: 'standard' },
      ],
    };
    const file = path.join(dir, 'fleet.yaml');
    await writeFile(file, JSON.stringify(config));
    const program = ['--import', 'tsx', path.join(root, 'fleet/deskwarden-fleet.ts'), 'serve', '--config', file];
    const child = spawn(process.execPath, program, {
      cwd: root,
      env: { ...process.env, DATABASE_URL: database.appUrl },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    children.push(child);
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (said += chunk));
    return {
      child,
      said: () => said,
      until: (text) => expect.poll(() => said, { timeout: 25_000 }).toContain(text),
    };
  }

  it.each([
    ['SIGTERM', 1],
    ['SIGTERM', 3],
    ['SIGINT', 2],
  ] as const)('ends with 0 after %s, %d time(s)', { timeout: 40_000 }, async (signal, times) => {
    const { child, said, until } = await start();
    await until('"event":"ready"');
    const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
    // Half a request keeps it from ending before the last signal comes: a process that is already ending obeys it.
    const port = Number(/"consolePort":(\d+)/.exec(said())?.[1]);
    const half = connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
    half.on('error', () => {});
    await once(half, 'secureConnect');
    half.write('GET /api/v1/permissions HTTP/1.1\r\nHost: 127.0.0.1\r\n');
    await new Promise((resolve) => setTimeout(resolve, 200));
    for (let time = 0; time < times; time += 1) {
      child.kill(signal);
      if (time === 0) await until('"event":"stopping"');
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(child.exitCode).toBeNull();
    half.destroy();
    expect(await ended, said()).toEqual([0, null]);
    expect(said()).toContain('"event":"stopped"');
    expect(said()).not.toContain('"level":"error"');
  });
});
