import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { lchown, lstat, mkdir, rename, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { localApiPath } from '../../../../contracts/local-link/address.ts';
import { daemonKeys, OWN_UID, type Stage, stageLocalApi } from './staged-api.ts';

/** Nobody's; no account is needed for a process to run as it. */
const AGENT = 61_234;
const OTHER = 61_235;
/** Only root runs programs as others; and they must get to Node, which may be installed for root alone. */
const canBeOthers = OWN_UID === 0 && spawnSync(process.execPath, ['-e', ''], { uid: AGENT, gid: AGENT, cwd: '/' }).status === 0;

let stage: Stage;
beforeEach(async () => {
  stage = await stageLocalApi();
});
afterEach(() => stage.close());

const exists = async (file: string) => (await lstat(file).catch(() => null)) !== null;

/** Not `spawnSync`: the listener is in this process. */
async function runAs(uid: number, argv: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, argv, { uid, gid: uid, cwd: '/', stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  await once(child, 'close');
  return out.trim();
}

/** Connects as that user; `connected`, or what the system said. */
function connectAs(uid: number, target: string): Promise<string> {
  const script = `const s = require('net').connect(process.argv[1]);
    s.on('connect', () => { console.log('connected'); s.destroy(); }); s.on('error', (e) => console.log(e.code));`;
  return runAs(uid, ['-e', script, target]);
}

describe.skipIf(!canBeOthers)('users of a daemon that is root [needs root, and a Node that others may run]', () => {
  it('get to their own socket and to no other', async () => {
    const { api } = await stage.listen({ users: async () => [AGENT, OTHER] });
    expect(api.serving()).toEqual([AGENT, OTHER]);
    const [own, others] = [localApiPath(stage.dir, AGENT), localApiPath(stage.dir, OTHER)];
    expect(await connectAs(AGENT, own)).toBe('connected');
    expect(await connectAs(AGENT, others)).toBe('EACCES');
    expect(await connectAs(OTHER, own)).toBe('EACCES');
    const made = await stat(path.dirname(own));
    expect([made.uid, made.mode & 0o777]).toEqual([AGENT, 0o700]);
    await api.close();
    expect(await exists(stage.dir)).toBe(false);
  });

  it('are served by our client, which says when a socket is not theirs', { timeout: 30_000 }, async () => {
    const clientPath = path.join(path.dirname(stage.dir), 'client.mjs');
    await build({
      stdin: {
        contents: `import { createPublicKey } from 'node:crypto';
          import { connectLocalApi } from './agent/local-api/client.ts';
          const [, , path, uid, key] = process.argv;
          try {
            const client = await connectLocalApi({ path, verify: { key: createPublicKey(key), uid: Number(uid) } });
            const result = await client.snapshot();
            console.log(result.ok);
            client.close();
          } catch (error) {
            console.log(error.code);
          }`,
        resolveDir: fileURLToPath(new URL('../../../..', import.meta.url)),
      },
      bundle: true,
      platform: 'node',
      format: 'esm',
      outfile: clientPath,
      logLevel: 'silent',
    });
    await stage.listen({ users: async () => [AGENT, OTHER] });
    const key = String(daemonKeys.publicKey.export({ type: 'spki', format: 'pem' }));
    const ask = (as: number, of: number) => runAs(as, [clientPath, localApiPath(stage.dir, of), String(of), key]);
    expect(await Promise.all([ask(AGENT, AGENT), ask(AGENT, OTHER), ask(OTHER, OTHER)])).toEqual(['true', 'not-your-socket', 'true']);
  });

  it("get a daemon's directory back however it was left", async () => {
    const dir = path.dirname(localApiPath(stage.dir, AGENT));
    await mkdir(dir, { recursive: true, mode: 0o700 });
    await symlink('/etc/passwd', localApiPath(stage.dir, AGENT));
    const { faults } = await stage.listen({ users: async () => [AGENT] });
    expect(faults).toMatchObject([{ code: 'unsafe-path', uid: AGENT }]);
    // He can put it right himself.
    expect((await stat(dir)).uid).toBe(AGENT);
  });

  it('do not get one in a directory of somebody else', async () => {
    const dir = path.dirname(localApiPath(stage.dir, AGENT));
    await mkdir(dir, { recursive: true, mode: 0o700 });
    await lchown(dir, OTHER, OTHER);
    const { api, faults } = await stage.listen({ users: async () => [AGENT] });
    expect(api.serving()).toEqual([]);
    expect(faults).toMatchObject([{ code: 'unsafe-path', uid: AGENT }]);
    expect((await stat(dir)).uid).toBe(OTHER);
  });

  it('can hinder only themselves', async () => {
    const users = async () => [AGENT, OTHER];
    const first = await stage.listen({ users });
    const own = localApiPath(stage.dir, AGENT);
    const listenInItsPlace = async () => {
      const impostor = createServer((socket) => socket.destroy());
      await new Promise<void>((resolve) => impostor.listen(own, resolve));
      return impostor;
    };
    // It is his directory, so he may listen in the daemon's place, for himself alone. A daemon that runs takes the place back.
    await rename(own, `${own}.aside`);
    const impostors = [await listenInItsPlace()];
    await first.api.refresh();
    expect(first.api.serving().sort()).toEqual([AGENT, OTHER]);
    expect(await connectAs(AGENT, own)).toBe('connected');
    await first.api.close();
    // One that starts cannot tell him from another daemon.
    impostors.push(await listenInItsPlace());
    const second = await stage.listen({ users });
    expect(second.api.serving()).toEqual([OTHER]);
    expect(second.faults).toMatchObject([{ code: 'in-use', uid: AGENT }]);
    expect(await connectAs(OTHER, localApiPath(stage.dir, OTHER))).toBe('connected');
    for (const impostor of impostors) await new Promise((resolve) => impostor.close(resolve));
    await second.api.refresh();
    expect(second.api.serving().sort()).toEqual([AGENT, OTHER]);
  });

  it('cannot turn what the daemon does in their directory against another file', { timeout: 30_000 }, async () => {
    const target = path.join(path.dirname(stage.dir), 'target');
    await writeFile(target, 'root only', { mode: 0o640 });
    const own = localApiPath(stage.dir, AGENT);
    const { api } = await stage.listen({ users: async () => [AGENT] });
    // Puts a link to the target in the socket's place as fast as it can, from a directory it holds open and keeps from going away.
    const script = `const fs = require('fs'); const [, dir, target] = process.argv; const end = Date.now() + 2500; let n = 0;
      const attempt = (work) => { try { work(); return true; } catch { return false; } };
      while (Date.now() < end) {
        attempt(() => process.chdir(dir)); attempt(() => fs.writeFileSync('kept', ''));
        attempt(() => fs.unlinkSync('api.sock')); if (attempt(() => fs.symlinkSync(target, 'api.sock'))) n++;
        if (n % 3 === 0) attempt(() => fs.unlinkSync('api.sock'));
      }
      console.log(n);`;
    const attacking = runAs(AGENT, ['-e', script, path.dirname(own), target]);
    let served = 0;
    for (const endMs = performance.now() + 2_000; performance.now() < endMs; ) {
      await api.refresh();
      served += api.serving().length;
      const { uid, mode } = await stat(target);
      expect([uid, mode & 0o777]).toEqual([0, 0o640]);
    }
    expect(Number(await attacking)).toBeGreaterThan(100);
    expect(served).toBeGreaterThan(10);
    const { uid, mode } = await stat(target);
    expect([uid, mode & 0o777]).toEqual([0, 0o640]);
  });
});
