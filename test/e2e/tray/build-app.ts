import { execFile } from 'node:child_process';
import { existsSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { mkdir, rmdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { repoRoot } from '../../../build/repo.ts';

const dist = path.join(repoRoot, 'dist');
/** When the build began that made what is there. */
const stampPath = path.join(dist, 'app-e2e.stamp');
const lockDir = path.join(dist, 'app-e2e.lock');
const sources = ['main', 'renderer', 'contracts', 'checks', 'build/bundle.mjs', 'build/bundle-app.mjs', 'package-lock.json'];
/** It takes a second on an idle machine; a lock that is older was left by a run that was killed. */
const BUILD_LIMIT_MS = 60_000;
const POLL_MS = 100;

/** Bundles the app with its hooks for tests, if a source is newer than the bundle. Of several test files one builds, the others wait. */
export async function buildApp(): Promise<string> {
  await mkdir(dist, { recursive: true });
  while (!isFresh()) {
    if (await lock()) {
      try {
        if (!isFresh()) await build();
      } finally {
        await rmdir(lockDir);
      }
    } else {
      await delay(POLL_MS);
    }
  }
  return path.join(dist, 'app-e2e');
}

async function build(): Promise<void> {
  const began = new Date();
  // Vite goes by it, and vitest has it at `test`: React would come in its slow and wordy form.
  const env = { ...process.env, NODE_ENV: 'production' };
  await promisify(execFile)(process.execPath, ['build/bundle.mjs', '--e2e'], { cwd: repoRoot, env });
  writeFileSync(stampPath, '');
  utimesSync(stampPath, began, began);
}

async function lock(): Promise<boolean> {
  try {
    await mkdir(lockDir);
    return true;
  } catch {
    const sinceMs = existsSync(lockDir) ? statSync(lockDir).mtimeMs : Date.now();
    if (Date.now() - sinceMs > BUILD_LIMIT_MS) await rmdir(lockDir).catch(() => {});
    return false;
  }
}

function isFresh(): boolean {
  if (!existsSync(stampPath) || !existsSync(path.join(dist, 'app-e2e', 'main.cjs'))) return false;
  const builtMs = statSync(stampPath).mtimeMs;
  return sources.every((name) => newestMs(path.join(repoRoot, name)) < builtMs);
}

/** A directory's own time tells that a source was removed. */
function newestMs(file: string): number {
  if (!statSync(file).isDirectory()) return statSync(file).mtimeMs;
  const below = readdirSync(file, { recursive: true, withFileTypes: true });
  return Math.max(...[file, ...below.map((entry) => path.join(entry.parentPath, entry.name))].map((one) => statSync(one).mtimeMs));
}
