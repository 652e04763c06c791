export interface RigOptions {
  userDataDir: string;
  headless: boolean;
  /** Chromium's own switches, from the environment of the tests. */
  switches: string[];
  /** Home directory of the browser alone. */
  browserHome: string | null;
  verbose: boolean;
  appPath: string;
  argv: string[];
  name: string;
  version: string;
  /** What the operating system says of its user's languages, the preferred one first. */
  languages: string[];
}

let configured: RigOptions | null = null;

export function configure(options: RigOptions): void {
  configured = options;
}

export function rigOptions(): RigOptions {
  if (!configured) throw new Error('electron rig: used before its entry configured it');
  return configured;
}
