import { existsSync } from 'node:fs';
import path from 'node:path';
import { findElectron } from '../app/find-electron.ts';
import { repoRoot } from '../repo.ts';
import { runNode } from '../run-step.ts';
import { attend } from './attend.ts';
import type { Desk } from './desk.ts';

const STOP_MS = 5_000;

export interface TraySettings {
  desk: Desk;
  /** Of the daemon that it shows. */
  runDir: string;
  stop: AbortSignal;
  say: (line: string) => void;
}

/** Opens the tray app where there is an Electron to open it with; else says in a line why there is none. */
export async function openTray({ desk, runDir, stop, say }: TraySettings): Promise<void> {
  const found = findElectron(repoRoot, process.platform, process.env.ELECTRON_OVERRIDE_DIST_PATH, existsSync);
  if (!found.ok) return say('The tray app            needs the program Electron: `npm run app` says how to get it');
  if (process.getuid?.() === 0) return say('The tray app            does not run as root: start it as a user by `npm run app`');
  // Only this build asks a daemon elsewhere than at /run/deskwarden.
  const built = await runNode(['build/bundle.mjs', '--e2e'], { show: false });
  if (!built.ok) return say(`The tray app could not be built:\n${built.output}`);
  const env = { ...desk.env, DESKWARDEN_RUN_DIR: runDir };
  void attend(desk.spawn([found.program, path.join(repoRoot, 'dist', 'app-e2e')], { env, stdio: 'ignore' }), stop, STOP_MS);
  say('The tray app            is in the tray');
}
