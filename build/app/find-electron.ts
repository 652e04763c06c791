import path from 'node:path';

/** Within Electron's directory, where its program is. */
const programs: Partial<Record<NodeJS.Platform, string>> = {
  linux: 'electron',
  win32: 'electron.exe',
  darwin: 'Electron.app/Contents/MacOS/Electron',
};

export type FoundElectron = { ok: true; program: string } | { ok: false; lines: readonly string[] };

/** `override`: the directory that ELECTRON_OVERRIDE_DIST_PATH names; the one that npm installed counts where it names none. */
export function findElectron(
  root: string,
  platform: NodeJS.Platform,
  override: string | undefined,
  exists: (filePath: string) => boolean,
): FoundElectron {
  const name = programs[platform];
  if (name === undefined) return { ok: false, lines: [`There is no Electron for ${platform}.`] };
  const installed = path.join(root, 'node_modules', 'electron', 'dist');
  const dir = override === undefined || override === '' ? installed : override;
  const program = path.join(dir, name);
  if (exists(program)) return { ok: true, program };
  if (dir === override) return { ok: false, lines: [`ELECTRON_OVERRIDE_DIST_PATH names ${dir}, but there is no ${program}.`] };
  return {
    ok: false,
    lines: [
      'The tray app needs the program Electron, which npm does not bring: its package only downloads it, from GitHub.',
      '',
      'With access to github.com:      npx install-electron',
      'With a mirror:                  ELECTRON_MIRROR=https://mirror.example.com/electron/ npx install-electron',
      'With an unpacked release:       ELECTRON_OVERRIDE_DIST_PATH=/path/to/it npm run app',
      '',
      'Everything else of Deskwarden runs without it.',
    ],
  };
}
