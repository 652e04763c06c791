export interface PolicyBrowser {
  target: string;
  /**
   * The directories that lead to its policies, outermost first; the last holds the policy files. Made where they
   * are missing.
   */
  dirs: readonly [string, ...string[]];
  /** It is on this computer if any of these is. */
  programs: readonly string[];
  /** What its processes run, by the file's name. */
  executables: readonly string[];
}

/** Paths of the vendors' own packages and of Debian's and Fedora's. Snap and Flatpak builds read other places. */
export const chromiumBrowsers: readonly PolicyBrowser[] = [
  {
    target: 'chromium',
    dirs: ['/etc/chromium', '/etc/chromium/policies', '/etc/chromium/policies/managed'],
    programs: ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/lib/chromium/chromium'],
    executables: ['chromium', 'chromium-browser'],
  },
  {
    target: 'chrome',
    dirs: ['/etc/opt', '/etc/opt/chrome', '/etc/opt/chrome/policies', '/etc/opt/chrome/policies/managed'],
    programs: ['/opt/google/chrome/chrome', '/opt/google/chrome-beta/chrome', '/opt/google/chrome-unstable/chrome'],
    executables: ['chrome'],
  },
  {
    target: 'edge',
    dirs: ['/etc/opt', '/etc/opt/edge', '/etc/opt/edge/policies', '/etc/opt/edge/policies/managed'],
    programs: ['/opt/microsoft/msedge/msedge', '/opt/microsoft/msedge-beta/msedge', '/opt/microsoft/msedge-dev/msedge'],
    executables: ['msedge'],
  },
];

export const firefoxBrowser: PolicyBrowser = {
  target: 'firefox',
  dirs: ['/etc/firefox', '/etc/firefox/policies'],
  programs: ['/usr/bin/firefox', '/usr/bin/firefox-esr', '/opt/firefox/firefox'],
  executables: ['firefox', 'firefox-esr', 'firefox-bin'],
};
