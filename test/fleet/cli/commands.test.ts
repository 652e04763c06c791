import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openSigningKeys } from '../../../fleet/documents/signing-keys.ts';
import { addAccount } from '../../../fleet/sign-in/account.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { deskKeys, enrolBody } from '../enrolment/desk-keys.ts';
import { aReport } from '../intake/desk-reports.ts';
import { type RunningServer, runServer } from '../running-server.ts';
import { type Ran, runScripted, type Script } from './scripted-program.ts';

const policy = (id: string) => `schema: 1\nid: ${id}\ninstance: { alias: acme, region: us-west-2 }\n`;

describeWithDatabase('a command beside the server', () => {
  let server: RunningServer;
  let dir: string;
  beforeAll(async () => {
    [server, dir] = await Promise.all([runServer(), mkdtemp(path.join(tmpdir(), 'deskwarden-fleet-cli-'))]);
  });
  afterAll(async () => {
    await server?.close();
    if (dir) await rm(dir, { recursive: true, force: true });
  });

  const run = (argv: readonly string[], script: Script = {}): Promise<Ran> => runScripted(argv, { store: server.store, ...script });
  const file = async (name: string, text: string) => {
    const at = path.join(dir, name);
    await writeFile(at, text);
    return at;
  };
  const lastAction = () =>
    server.store.db.within({ tenant: server.tenant }, async (tx) => {
      const row = await tx.selectFrom('audit_record').select(['actor', 'action']).orderBy('seq', 'desc').limit(1).executeTakeFirstOrThrow();
      return `${row.actor} ${row.action}`;
    });

  it('desks says so where there is none yet', async () => {
    expect(await run(['desks'])).toMatchObject({ status: 0, out: expect.stringContaining('No desk has reported yet') });
    expect(await lastAction()).toBe('operator cli desks');
  });

  it('ticket create writes a ticket that works, for its owner alone, and never over a file', async () => {
    const out = path.join(dir, 'ticket');
    const made = await run(['ticket', 'create', '--out', out, '--uses', '2', '--expires', '30m', '--tag', 'site=berlin']);
    expect(made).toMatchObject({ status: 0, out: '', err: expect.stringMatching(/^Ticket [0-9a-f-]{36}: 2 desk\(s\), /) });
    expect((await stat(out)).mode & 0o777).toBe(0o600);
    const text = await readFile(out, 'utf8');
    expect(text).toMatch(/^dw1\.[\w-]{43}\.[\w-]{43}\n$/);
    expect(await run(['ticket', 'create', '--out', out])).toMatchObject({
      status: 2,
      err: expect.stringContaining(`${out} exists already`),
    });
    expect(await readFile(out, 'utf8')).toBe(text);
    const printed = await run(['ticket', 'create', '--out', '-', '--approve', 'automatic']);
    expect(printed.out).toMatch(/^dw1\./);
    for (const bad of [
      ['--uses', '0'],
      ['--uses', 'x'],
      ['--expires', '8 hours'],
      ['--expires', '8d'],
      ['--cidr', 'here'],
      ['--tag', 'x'],
      ['--group', 'No/Such'],
      ['--approve', 'perhaps'],
      ['--instance', 'other'],
      ['--tenant', 'other'],
    ]) {
      const refused = await run(['ticket', 'create', '--out', '-', ...bad]);
      expect([refused.status, refused.out], `${bad}: ${refused.err}`).toEqual([2, '']);
    }
    await enrolAs('tick\u001b[2Jet\u202e.example.com', printed.out);
  });

  async function enrolAs(hostName: string, ticket: string): Promise<void> {
    const [keys] = await deskKeys(1);
    if (!keys) throw new Error('no key');
    const body = enrolBody(ticket.split('.')[1] ?? '', keys, hostName);
    const answered = await server.device({ method: 'POST', path: '/device/v1/enrol', body });
    const { device, certificate: cert } = answered.body as { device: string; certificate: string };
    const report = aReport(device, { standing: 'blocked', causes: ['network.turn-udp'], epoch: randomUUID() });
    const sent = await server.device({ method: 'POST', path: '/device/v1/reports', body: report, cert, key: keys.key });
    if (sent.status !== 200) throw new Error(`${answered.text} ${sent.text}`);
  }

  it('desks shows who cannot take calls and why, within the terminal, and no host name steers it', async () => {
    const { status, out } = await run(['desks'], { columns: 72 });
    expect(status).toBe(0);
    const [head, row, blank, counts] = out.split('\n');
    expect(head).toMatch(/^Standing +Desk +Group +Since +Heard +Why$/);
    expect(row).toMatch(/^✗ blocked {2}tick.*et.*\.example\.com {2,}\S/);
    expect([blank, counts]).toEqual(['', '1 blocked']);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these must not be there
    expect(out).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    expect((await run(['desks'], { color: true })).out).toContain('\u001b[31m✗ blocked\u001b[0m');
    const json = await run(['desks', '--json', '--standing', 'blocked'], { color: true });
    expect(JSON.parse(json.out)).toMatchObject({ items: [{ standing: 'blocked', causes: ['network.turn-udp'] }], next: null });
    expect(json.out).not.toContain('\u001b');
    expect(JSON.parse((await run(['desks', '--json', '--standing', 'clear'])).out)).toEqual({ items: [], next: null });
    expect((await run(['desks', '--group', 'No'])).status).toBe(2);
    expect((await run(['desks', '--after', 'x'.repeat(5_000)])).status).toBe(2);
  });

  it('policy push names file, line, column and what is wrong, and stores nothing then', async () => {
    const bad = await file('bad.yaml', `${policy('floor')}rules:\n  - id: turn\n    chek: network.turn-udp\n`);
    const { status, out, err } = await run(['policy', 'push', bad]);
    expect([status, out]).toEqual([2, '']);
    expect(err).toContain(`${bad}:6:5: `);
    expect(err).toContain('did you mean "check"?');
    const torn = await run(['policy', 'push', '-'], { stdin: 'schema: [1\n' });
    expect([torn.status, torn.err.split('\n')[0]]).toEqual([2, expect.stringMatching(/^deskwarden-fleet policy push: -:\d+:\d+: /)]);
    const stored = await server.store.db.within({ tenant: server.tenant }, (tx) => tx.selectFrom('policy_revision').selectAll().execute());
    expect(stored).toEqual([]);
  });

  it('policy push stores once, publishes once and assigns once, however often it is called', async () => {
    const good = await file('floor.yaml', policy('floor'));
    const push = () => run(['policy', 'push', good, '--publish', '--assign']);
    expect((await push()).out).toBe(
      'Policy floor: revision 1 stored.\nPublished, as document 1.\nAssigned to every desk of the instance.\n',
    );
    expect((await push()).out).toBe(
      'Policy floor: revision 1 says the same already.\nRevision 1 is published already.\nAssigned to every desk of the instance already.\n',
    );
    expect(await run(['policy', 'push', good, '--publish', '--preview', randomUUID()])).toMatchObject({
      status: 0,
      out: expect.stringContaining('published already'),
    });
    const preview = await run(['policy', 'preview', good, '--json']);
    expect(JSON.parse(preview.out)).toMatchObject({ summary: { reached: 1 } });
  });

  it('policy sign: what waits is signed where the key is, and taken in here', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const x = publicKey.export({ format: 'jwk' }).x ?? '';
    const pem = await file('offline.pem', privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
    await (await openSigningKeys(server.store)).rotate({ x });
    const next = await file('next.yaml', policy('second'));
    const pushed = await run(['policy', 'push', next, '--publish']);
    expect(pushed.out, pushed.err).toContain('waits for its signature');
    const waiting = await run(['policy', 'sign']);
    expect(
      waiting.out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).kind),
    ).toContain('policy');
    const signed = await runScripted(['policy', 'sign', '--offline', pem], { stdin: waiting.out });
    expect([signed.status, signed.err]).toEqual([0, `Signing as the public key ${x}\n`]);
    const forged = signed.out.replace(/"signature":"(.)/g, (_all, char: string) => `"signature":"${char === 'A' ? 'B' : 'A'}`);
    expect((await run(['policy', 'sign', '--import', await file('forged.ndjson', forged)])).status).toBe(1);
    expect(await run(['policy', 'sign', '--import', '-'], { stdin: signed.out })).toMatchObject({
      status: 0,
      out: expect.stringMatching(/^\d+ document\(s\) signed\.\n$/),
    });
    expect((await run(['policy', 'sign'])).out).toBe('');
    expect((await run(['policy', 'sign', '--import', '-'], { stdin: 'garbage\n' })).err).toContain('-:1: not a line of `policy sign`');
    const wrong = await file('wrong.pem', generateKeyPairSync('x25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
    expect(await run(['policy', 'sign', '--offline', wrong])).toMatchObject({
      status: 2,
      err: expect.stringContaining('no Ed25519 private key'),
    });
  });

  it('account unbind lets one account bind anew, or all of them', async () => {
    const { db, keyring, now } = server.store;
    const ids = await db.within({ tenant: server.tenant }, async (tx) => {
      const made: (string | null)[] = [];
      for (const name of ['one@example.com', 'two@example.com', 'three@example.com']) {
        made.push(await addAccount(tx, keyring, server.tenant, { kind: 'oidc', name, subjectIndex: randomBytes(32), profiles: [] }, now()));
      }
      return made;
    });
    const bound = () =>
      db.within({ tenant: server.tenant }, async (tx) => {
        const rows = await tx.selectFrom('account').select('id').where('subject_index', 'is not', null).execute();
        return ids.map((id) => rows.some((row) => row.id === id));
      });
    expect(await run(['account', 'unbind', '--name', 'two@example.com'])).toMatchObject({ status: 0, out: '1 account(s) unbound\n' });
    expect(await lastAction()).toBe('operator cli account unbind');
    expect(await bound()).toEqual([true, false, true]);
    expect((await run(['account', 'unbind', '--name', 'nobody@example.com'])).status).toBe(1);
    for (const wrong of [[], ['--all', '--name', 'one@example.com']]) {
      expect((await run(['account', 'unbind', ...wrong])).status).toBe(2);
    }
    expect(await bound()).toEqual([true, false, true]);
    expect(await run(['account', 'unbind', '--all'])).toMatchObject({ status: 0, out: '2 account(s) unbound\n' });
    expect(await bound()).toEqual([false, false, false]);
  });

  it('admin link leads in once', async () => {
    const { status, out, err } = await run(['admin', 'link', '--name', 'boss']);
    expect(status).toBe(0);
    expect(err).toMatch(/^Good once, until \d{4}-.*Z\. Whoever has it becomes boss\.\n$/);
    const token = /^https:\/\/127\.0\.0\.1:8443\/sign-in#([\w-]{43})\n$/.exec(out)?.[1];
    const use = () =>
      server.console({ method: 'POST', path: '/api/v1/sign-in/link', body: { token, password: 'correct horse battery staple' } });
    expect([(await use()).status, (await use()).status]).toEqual([200, 401]);
    expect((await run(['admin', 'link', '--tenant', 'other'])).err).toContain('no tenant "other"; there is: acme');
  });

  it('key rotate has a new key follow, and takes no private one for it', async () => {
    const before = await openSigningKeys({ db: server.store.db, keyring: server.store.keyring, now: server.store.now });
    const kid = /^Signing with (\S+) from now on/.exec((await run(['key', 'rotate'])).out)?.[1];
    const count = before.all().length;
    await before.refresh();
    expect([before.all().length, before.all().at(-1)?.kid]).toEqual([count + 1, kid]);
    const secret = await file('offline.pem', generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
    expect(await run(['key', 'rotate', '--offline', secret])).toMatchObject({
      status: 2,
      err: expect.stringContaining('no Ed25519 public key'),
    });
  });

  it('audit verify ends with 0 on a chain that holds, and with 1 where somebody changed a record', async () => {
    const whole = await run(['audit', 'verify', '--json']);
    const { checked, head } = JSON.parse(whole.out) as { checked: number; head: { seq: number; hash: string } };
    expect([whole.status, checked]).toEqual([0, head.seq]);
    expect((await run(['audit', 'verify'])).out).toBe(
      `${checked} records hold. Head: ${head.seq}:${head.hash}\nNo checkpoint among them is signed: the server signs one an hour.\n`,
    );
    expect((await run(['audit', 'verify', '--head', `${head.seq}:${head.hash}`])).status).toBe(0);
    expect((await run(['audit', 'verify', '--head', `${head.seq}:${'0'.repeat(64)}`])).status).toBe(1);
    expect((await run(['audit', 'verify', '--head', 'nothing'])).status).toBe(2);
    expect((await run(['audit', 'verify', '--deployment'])).status).toBe(0);
    expect((await run(['audit', 'verify', '--from', '0'])).status).toBe(2);
    const client = new pg.Client({ connectionString: server.database.adminUrl });
    await client.connect();
    await client.query('set session_replication_role = replica');
    await client.query("update audit_record set record = replace(record, 'cli desks', 'cli  desks') where tenant_id = $1 and seq = $2", [
      server.tenant,
      3,
    ]);
    const { rowCount } = await client.query("update audit_record set action = 'nothing' where tenant_id = $1 and seq = 3", [server.tenant]);
    await client.end();
    expect(rowCount).toBe(1);
    expect(await run(['audit', 'verify'])).toEqual({
      status: 1,
      out: expect.stringMatching(/^BROKEN at record 3: \S+; the 2 records before it hold\.\n$/),
      err: '',
    });
  });
});
