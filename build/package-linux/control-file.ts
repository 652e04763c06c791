export interface ControlFacts {
  version: string;
  architecture: string;
  /** Of all files, in bytes. */
  installedBytes: number;
}

/** What Node 20 of nodejs.org links against; a test compares it with the Node at hand. */
export const oldestLibraries = { glibc: '2.28', libstdcxx: '8' };

const depends = [
  `libc6 (>= ${oldestLibraries.glibc})`,
  `libstdc++6 (>= ${oldestLibraries.libstdcxx})`,
  'libgcc-s1 | libgcc1',
  'init-system-helpers (>= 1.54)',
  'iproute2',
  'nftables',
  'systemd (>= 247)',
];

/** Debian's control file of the package (deb-control(5)). */
export function controlFile({ version, architecture, installedBytes }: ControlFacts): string {
  return [
    'Package: deskwarden',
    `Version: ${version}`,
    `Architecture: ${architecture}`,
    'Maintainer: The Deskwarden Authors <deskwarden@example.com>',
    `Installed-Size: ${Math.ceil(installedBytes / 1_024)}`,
    `Depends: ${depends.join(', ')}`,
    'Section: admin',
    'Priority: optional',
    "Description: fitness of an agent's desk for Amazon Connect calls",
    ' Verifies whether a workstation can take Amazon Connect calls, and closes the',
    ' Contact Control Panel when it cannot, never during a call.',
    ' .',
    ' It brings its own Node.js runtime.',
    '',
  ].join('\n');
}
