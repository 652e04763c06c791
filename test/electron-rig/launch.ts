import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { _electron, type ElectronApplication } from 'playwright';
import { buildRig } from './build-rig.ts';
import { type Display, startDisplay } from './display.ts';
import { endProcesses, processesNaming, processTree } from './processes.ts';

export interface LaunchOptions {
  /** A directory with the app's package.json. */
  appDir: string;
  /** The app's whole environment; without it, the one of the tests. */
  env?: Record<string, string>;
  /** A directory that nobody else uses at the same time: processes that are left over are known by it. */
  userDataDir: string;
  /** On a display (a hidden one if there is none), instead of headless. A real Electron knows nothing else. */
  headed?: boolean;
  /** Chromium's own switches that a test needs (fake media, host-resolver-rules): `--name` or `--name=value`. */
  chromium?: readonly string[];
  /** Home directory of the browser alone: it looks for its certificate database in `.pki/nssdb` there. */
  browserHome?: string;
  /** Arguments after the app's directory, as a deep link has them. */
  args?: readonly string[];
  /** Lets the browser's own words through to stderr. */
  verbose?: boolean;
}

/** Where a real Electron is, if the environment names one: the same tests run on it. */
export const realElectronDir: string | undefined = process.env.ELECTRON_OVERRIDE_DIST_PATH;

// A loaded machine with two cores takes 3 s for what an idle one does in 0.5 s.
const LAUNCH_DEADLINE_MS = 30_000;
// Chromium writes its profile on the way out; more than this and it hangs.
const CLOSE_PATIENCE_MS = 5_000;

/** Starts the app on the rig or, where ELECTRON_OVERRIDE_DIST_PATH says so, on a real Electron. `close` leaves no process behind. */
export async function launchApp(options: LaunchOptions): Promise<ElectronApplication> {
  mkdirSync(options.userDataDir, { recursive: true });
  const command = await electronCommand(options);
  const needsDisplay = realElectronDir !== undefined || options.headed === true;
  const display = needsDisplay && !command.env.DISPLAY ? await startDisplay() : null;
  if (display) command.env.DISPLAY = display.name;
  try {
    const app = await _electron.launch({ ...command, timeout: LAUNCH_DEADLINE_MS });
    return closingEverything(app, options.userDataDir, display);
  } catch (error) {
    await endProcesses(processesNaming(options.userDataDir), 0);
    await display?.close();
    throw error;
  }
}

/** The command line alone, for a second instance that hands over to the first one and ends. */
export async function electronCommand(
  options: LaunchOptions,
): Promise<{ executablePath: string; args: string[]; env: Record<string, string> }> {
  const directory = realElectronDir ?? (await buildRig());
  const env = { ...(options.env ?? definedOnly(process.env)) };
  const switches = [...(options.chromium ?? [])];
  if (realElectronDir === undefined) {
    env.ELECTRON_RIG_SWITCHES = JSON.stringify(switches);
    env.ELECTRON_RIG_HEADED = options.headed ? '1' : '0';
    if (options.browserHome) env.ELECTRON_RIG_HOME = options.browserHome;
    if (options.verbose) env.ELECTRON_RIG_VERBOSE = '1';
  } else if (options.browserHome) {
    env.HOME = options.browserHome;
  }
  // A real Electron takes Chromium's switches from its own command line, and Chromium has no sandbox for root.
  const real = realElectronDir === undefined ? [] : [...(process.getuid?.() === 0 ? ['--no-sandbox'] : []), ...switches];
  return {
    executablePath: path.join(directory, 'electron'),
    args: [...real, options.appDir, `--user-data-dir=${options.userDataDir}`, ...(options.args ?? [])],
    env,
  };
}

function closingEverything(app: ElectronApplication, userDataDir: string, display: Display | null): ElectronApplication {
  const { pid } = app.process();
  const closeGently = app.close.bind(app);
  let closed: Promise<void> | null = null;
  const close = async () => {
    const marks = pid === undefined ? [] : processTree(pid);
    await Promise.race([closeGently().catch(() => {}), endProcesses(marks, CLOSE_PATIENCE_MS)]);
    await endProcesses([...marks, ...processesNaming(userDataDir)], CLOSE_PATIENCE_MS);
    await display?.close();
  };
  app.close = () => {
    closed ??= close();
    return closed;
  };
  return app;
}

function definedOnly(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}
