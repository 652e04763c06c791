/**
 * Products known to re-sign TLS, by words of the issuer they present (lower case). Only a name for people: whether a
 * path is intercepted is judged by the root, never by this list.
 */
const interceptors: readonly { name: string; words: readonly string[] }[] = [
  { name: 'Zscaler', words: ['zscaler'] },
  { name: 'Netskope', words: ['netskope', 'goskope'] },
  { name: 'Palo Alto Networks', words: ['palo alto', 'paloalto', 'globalprotect'] },
  { name: 'Fortinet FortiGate', words: ['fortinet', 'fortigate'] },
  { name: 'Cisco Umbrella', words: ['cisco umbrella', 'opendns'] },
  { name: 'Cisco Secure Web Appliance', words: ['cisco', 'ironport'] },
  { name: 'Broadcom Symantec ProxySG', words: ['blue coat', 'bluecoat', 'symantec', 'proxysg'] },
  { name: 'Forcepoint', words: ['forcepoint', 'websense'] },
  { name: 'Skyhigh Security', words: ['skyhigh', 'mcafee web gateway', 'mcafee'] },
  { name: 'Check Point', words: ['check point', 'checkpoint'] },
  { name: 'Sophos', words: ['sophos'] },
  { name: 'SonicWall', words: ['sonicwall'] },
  { name: 'WatchGuard', words: ['watchguard'] },
  { name: 'Barracuda', words: ['barracuda'] },
  { name: 'iboss', words: ['iboss'] },
  { name: 'Cloudflare Gateway', words: ['cloudflare for teams', 'gateway ca - cloudflare', 'cloudflare gateway'] },
  { name: 'Menlo Security', words: ['menlo security'] },
  { name: 'Kaspersky', words: ['kaspersky'] },
  { name: 'ESET', words: ['eset ssl filter', 'eset'] },
  { name: 'Avast or AVG', words: ['avast', 'avg web'] },
  { name: 'Bitdefender', words: ['bitdefender'] },
  { name: 'Norton', words: ['norton web', 'nortonlifelock'] },
  { name: 'Untangle', words: ['untangle', 'arista edge threat'] },
  { name: 'Securly', words: ['securly'] },
  { name: 'Lightspeed', words: ['lightspeed'] },
  { name: 'mitmproxy', words: ['mitmproxy'] },
  { name: 'Charles Proxy', words: ['charles proxy'] },
  { name: 'Fiddler', words: ['fiddler', 'do_not_trust'] },
  { name: 'Burp Suite', words: ['portswigger'] },
];

/** The product that an issuer's text names; null when none is known. */
export function nameInterceptor(issuer: string): string | null {
  const text = issuer.toLowerCase();
  return interceptors.find(({ words }) => words.some((word) => text.includes(word)))?.name ?? null;
}
