import { createHash } from 'node:crypto';
import { chmod, copyFile, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { repoRoot } from '../repo.ts';
import { controlFile } from './control-file.ts';
import type { NodeRuntime } from './node-runtime.ts';

const DIR_MODE = 0o755;
const DATA_MODE = 0o644;
const PROGRAM_MODE = 0o755;

const packagingDir = path.join(repoRoot, 'build', 'package-linux');
const unitsDir = path.join(repoRoot, 'build', 'service', 'systemd');
const services = ['deskwarden.service', 'deskwarden-agent-loss.service'];

export interface Staging {
  /** Empty directory, which becomes the root of the package. */
  root: string;
  agentDir: string;
  runtime: NodeRuntime;
  version: string;
}

/** Lays out the installed files and Debian's DEBIAN/ beside them, with the modes they are to have. */
export async function stageFiles({ root, agentDir, runtime, version }: Staging): Promise<void> {
  await chmod(root, DIR_MODE);
  const scripts = (await readdir(agentDir)).filter((name) => name.endsWith('.js'));
  const lib = 'usr/lib/deskwarden';
  const doc = 'usr/share/doc/deskwarden';
  for (const name of scripts) await place(path.join(agentDir, name), `${lib}/agent/${name}`);
  // Tells Node that the scripts are modules.
  await write(`${lib}/package.json`, '{ "type": "module" }\n');
  await place(runtime.executable, `${lib}/bin/node`, PROGRAM_MODE);
  await place(path.join(packagingDir, 'deskwarden.sh'), 'usr/bin/deskwarden', PROGRAM_MODE);
  await place(runtime.licence, `${lib}/NODE-LICENSE`);
  for (const name of ['LICENSE', 'NOTICE', 'THIRD-PARTY-LICENSES.md']) await place(path.join(repoRoot, name), `${lib}/${name}`);
  await place(path.join(repoRoot, 'NOTICE'), `${doc}/copyright`);
  await place(path.join(packagingDir, 'daemon.yaml.example'), `${doc}/daemon.yaml.example`);
  for (const name of [...services, 'deskwarden-agent-loss.timer']) await place(path.join(unitsDir, name), `lib/systemd/system/${name}`);
  for (const name of services) await place(path.join(unitsDir, 'sandbox.conf'), `lib/systemd/system/${name}.d/sandbox.conf`);
  // Where the tray app's own package put it; without it `TryExec` keeps the session from trying.
  await place(path.join(packagingDir, 'autostart.desktop'), 'etc/xdg/autostart/deskwarden-app.desktop');
  await makeDir('etc/deskwarden');

  const { sums, bytes } = await sumFiles(root);
  await write('DEBIAN/md5sums', sums);
  await write('DEBIAN/control', controlFile({ version, architecture: runtime.architecture, installedBytes: bytes }));
  for (const name of ['postinst', 'prerm', 'postrm']) await place(path.join(packagingDir, name), `DEBIAN/${name}`, PROGRAM_MODE);

  async function place(from: string, to: string, mode = DATA_MODE): Promise<void> {
    await makeDir(path.dirname(to));
    await copyFile(from, path.join(root, to));
    await chmod(path.join(root, to), mode);
  }

  async function write(to: string, text: string): Promise<void> {
    await makeDir(path.dirname(to));
    await writeFile(path.join(root, to), text);
    await chmod(path.join(root, to), DATA_MODE);
  }

  /** Each part by itself: the builder's umask is not to decide about a directory of the package. */
  async function makeDir(dir: string): Promise<void> {
    if (dir === '.') return;
    await makeDir(path.dirname(dir));
    await mkdir(path.join(root, dir), { recursive: true });
    await chmod(path.join(root, dir), DIR_MODE);
  }
}

/** As `dpkg --verify` wants it. */
async function sumFiles(root: string): Promise<{ sums: string; bytes: number }> {
  const names = (await readdir(root, { recursive: true })).sort();
  let sums = '';
  let bytes = 0;
  for (const name of names) {
    const found = await stat(path.join(root, name));
    if (!found.isFile()) continue;
    bytes += found.size;
    const sum = createHash('md5').update(await readFile(path.join(root, name)));
    sums += `${sum.digest('hex')}  ${name}\n`;
  }
  return { sums, bytes };
}
