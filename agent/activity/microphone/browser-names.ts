/** Of the programs that can hold a softphone: browsers with WebRTC, and the tray app. Lower case, without `.exe`. */
const browserNames: ReadonlySet<string> = new Set([
  'chrome',
  'google chrome',
  'chromium',
  'chromium-browser',
  'msedge',
  'microsoft edge',
  'firefox',
  'firefox-bin',
  'firefox-esr',
  'brave',
  'opera',
  'vivaldi',
  'vivaldi-bin',
  'deskwarden',
  'electron',
]);

/** `program` is a name or a path of Linux or Windows. */
export function isBrowserName(program: string): boolean {
  const name = program.split(/[\\/]/).at(-1) ?? '';
  return browserNames.has(name.toLowerCase().replace(/\.exe$/, ''));
}
