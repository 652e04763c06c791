import { existsSync } from 'node:fs';
import path from 'node:path';

/** Debian's names of what Node calls the processor. */
const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** Why a package cannot be built here, in words for whoever started it. */
export class CannotPackage extends Error {}

export interface NodeRuntime {
  executable: string;
  licence: string;
  architecture: string;
}

/** The Node that runs this is the one that is shipped. Throws `CannotPackage`. */
export function findNodeRuntime(): NodeRuntime {
  const architecture = architectures[process.arch];
  if (process.platform !== 'linux' || !architecture) {
    throw new CannotPackage(`a Linux package is built on Linux of the same processor, not on ${process.platform} ${process.arch}`);
  }
  // Some distributions split Node into a small program and libraries, which would be missing on a desk.
  if ((process.config.variables as { node_shared?: boolean }).node_shared) {
    throw new CannotPackage(`${process.execPath} needs a libnode of its own: use a Node from https://nodejs.org/`);
  }
  const licence = licencePaths(process.execPath).find((file) => existsSync(file));
  if (!licence) {
    throw new CannotPackage(`there is no licence of Node, which must go with it: looked at ${licencePaths(process.execPath).join(', ')}`);
  }
  return { executable: process.execPath, licence, architecture };
}

/** nodejs.org's archives put it at their top; packages of distributions into /usr/share/doc. */
function licencePaths(executable: string): string[] {
  const prefix = path.dirname(path.dirname(executable));
  return [path.join(prefix, 'LICENSE'), path.join(prefix, 'share/doc/nodejs/LICENSE'), path.join(prefix, 'share/doc/node/LICENSE')];
}
