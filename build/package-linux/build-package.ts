import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import packageFile from '../../package.json' with { type: 'json' };
import { repoRoot } from '../repo.ts';
import { freshBundle } from './fresh-bundle.ts';
import { CannotPackage, findNodeRuntime } from './node-runtime.ts';
import { stageFiles } from './stage-files.ts';

const run = promisify(execFile);
const dpkgDebPath = '/usr/bin/dpkg-deb';
const GIT_DEADLINE_MS = 10_000;
/** xz takes the better part of a minute for the Node runtime. */
const DPKG_DEADLINE_MS = 10 * 60_000;

export interface PackageRequest {
  outDir: string;
  /** `xz` for what is shipped, `quick` where only the contents matter. */
  compression: 'xz' | 'quick';
  /** Of the environment: the time that all files get, in seconds. Else that of the last commit. */
  sourceDateEpoch: string | undefined;
  onStep: (step: string) => void;
}

export interface BuiltPackage {
  path: string;
  bytes: number;
}

/** Builds the package of this computer's architecture; the same sources and the same Node give the same bytes. Throws `CannotPackage`. */
export async function buildPackage({ outDir, compression, sourceDateEpoch, onStep }: PackageRequest): Promise<BuiltPackage> {
  if (!existsSync(dpkgDebPath)) throw new CannotPackage(`${dpkgDebPath} is missing: on Debian and Ubuntu the package dpkg brings it`);
  const runtime = findNodeRuntime();
  const { version } = packageFile;
  onStep('bundling the agent');
  const agentDir = await freshBundle();
  await mkdir(outDir, { recursive: true });
  const workDir = await mkdtemp(path.join(outDir, '.package-'));
  try {
    const root = path.join(workDir, 'root');
    await mkdir(root);
    onStep(`laying out the files, with Node ${process.version} for ${runtime.architecture}`);
    await stageFiles({ root, agentDir, runtime, version });
    onStep(`packing (${compression})`);
    const name = `deskwarden_${version}_${runtime.architecture}.deb`;
    const fresh = path.join(workDir, name);
    const how = compression === 'xz' ? ['-Zxz'] : ['-Zgzip', '-z1'];
    const env = { PATH: '/usr/bin:/bin', SOURCE_DATE_EPOCH: sourceDateEpoch ?? (await lastCommitTime()) };
    await run(dpkgDebPath, ['--root-owner-group', ...how, '--build', root, fresh], { env, timeout: DPKG_DEADLINE_MS });
    const finished = path.join(outDir, name);
    await rename(fresh, finished);
    return { path: finished, bytes: (await stat(finished)).size };
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
}

async function lastCommitTime(): Promise<string> {
  try {
    const { stdout } = await run('git', ['log', '-1', '--format=%ct'], { cwd: repoRoot, timeout: GIT_DEADLINE_MS });
    return stdout.trim();
  } catch {
    throw new CannotPackage('the time of the last commit is not known (no git, or no clone): set SOURCE_DATE_EPOCH');
  }
}
