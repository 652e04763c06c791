import { spawn } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { Secret, TOTP } from 'otpauth';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repoRoot } from '../../build/repo.ts';
import { whyNoLab } from '../lab/with-lab.ts';

const because = whyNoLab();
const devicePort = 20_000 + (process.pid % 10_000);
const START_MS = 120_000;

describe.skipIf(because !== null)(`npm start: ${because ?? 'in the lab'}`, () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(path.join(tmpdir(), 'deskwarden-start-'));
    // PostgreSQL's own user passes through.
    await chmod(dir, 0o711);
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  const env = () => ({ ...process.env, CI: 'true', DESKWARDEN_START_DIR: dir, DESKWARDEN_START_PORT: String(devicePort) });
  const configPath = () => path.join(dir, 'fleet', 'fleet.yaml');

  async function start(): Promise<{ code: number | null; said: string }> {
    const child = spawn(process.execPath, ['--import', 'tsx', 'build/start.ts'], { cwd: repoRoot, env: env() });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        said += text;
      });
    }
    const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
    return { code, said };
  }

  it('enrols this desk once, stores its report, and goes on with the same data', { timeout: 3 * START_MS }, async () => {
    const first = await start();
    expect(first, first.said).toMatchObject({ code: 0 });
    const device = /Enrolled as (\S+) for acme/.exec(first.said)?.[1];
    expect(first.said).toMatch(/✓ clear .*\n\n1 clear/);
    expect(first.said).toContain(`https://127.0.0.1:${devicePort + 1000}/api/docs`);

    const second = await start();
    expect(second, second.said).toMatchObject({ code: 0 });
    expect(second.said).not.toContain('Enrolling');
    expect(second.said).toMatch(/✓ clear .*\n\n1 clear/);

    const server = spawn(process.execPath, ['dist/fleet/deskwarden-fleet.js', 'serve', '--config', configPath()], { cwd: repoRoot });
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
        createInterface({ input: server.stdout }).on('line', (line) => line.includes('"ready"') && resolve());
      });
      const desks = await asAdmin('/api/v1/desks');
      expect(desks).toMatchObject({ items: [{ id: device, standing: 'clear', reportedAt: expect.any(String) }], next: null });
    } finally {
      server.kill('SIGTERM');
      await new Promise((resolve) => server.once('close', resolve));
    }
  });

  async function asAdmin(where: string): Promise<unknown> {
    const link = spawn(process.execPath, ['dist/fleet/deskwarden-fleet.js', 'admin', 'link', '--config', configPath()], { cwd: repoRoot });
    let out = '';
    link.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    await new Promise((resolve) => link.once('close', resolve));
    const token = new URL(out.trim()).hash.slice(1);
    const opened = await ask('POST', '/api/v1/sign-in/link', { token, password: 'correct horse battery staple' });
    const offer = await ask('POST', '/api/v1/sign-in/second-factor/offer', undefined, opened.cookie);
    const { secret } = offer.body as { secret: string };
    const code = new TOTP({ secret: Secret.fromBase32(secret) }).generate();
    const done = await ask('POST', '/api/v1/sign-in/second-factor', { code }, opened.cookie);
    return (await ask('GET', where, undefined, done.cookie)).body;
  }

  function ask(method: string, where: string, body?: unknown, cookie = ''): Promise<{ body: unknown; cookie: string }> {
    return new Promise((resolve, reject) => {
      const asked = request({
        host: '127.0.0.1',
        port: devicePort + 1000,
        method,
        path: where,
        // Its authority is made anew for each deployment; that it is the one that signed is what `agent-link.test.ts` proves.
        rejectUnauthorized: false,
        headers: { 'x-deskwarden': '1', ...(cookie && { cookie }), ...(body !== undefined && { 'content-type': 'application/json' }) },
      });
      asked.on('error', reject);
      asked.on('response', (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('end', () => {
          const [set = ''] = response.headers['set-cookie'] ?? [];
          resolve({ body: text === '' ? undefined : JSON.parse(text), cookie: set.split(';')[0] ?? '' });
        });
      });
      asked.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }
});
