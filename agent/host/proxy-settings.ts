/** How 443 probes leave: a proxy, or the reason why the configured one cannot be used. */
export type Proxy = { host: string; port: number; authorization: string | null } | { unusable: string };

export interface ProxyEnv {
  httpsProxy?: string;
  noProxy?: string;
}

export type ProxyChooser = (host: string, port: number) => Proxy | null;

/** Who goes through which proxy. NO_PROXY is heeded only where the proxy comes from the environment too. */
export function chooseProxy(setting: string, env: ProxyEnv): ProxyChooser {
  if (setting === 'none') return () => null;
  if (setting !== 'env') {
    const proxy = parseProxy(setting);
    return () => proxy;
  }
  const named = env.httpsProxy?.trim() ?? '';
  if (named === '') return () => null;
  const proxy = parseProxy(named.includes('://') ? named : `http://${named}`);
  const exceptions = (env.noProxy ?? '')
    .split(/[\s,]+/)
    .filter((rule) => rule !== '')
    .map((rule) => rule.toLowerCase());
  return (host, port) => (exceptions.some((rule) => isExempt(rule, host.toLowerCase(), port)) ? null : proxy);
}

/** As curl and Chromium read it: `*`; a host and everything below it; `.suffix` or `*.suffix` for what is below alone; each may end in `:port`. */
function isExempt(rule: string, host: string, port: number): boolean {
  const [, name = rule, onlyPort] = /^([^:]*):(\d+)$/.exec(rule) ?? [];
  if (onlyPort !== undefined && Number(onlyPort) !== port) return false;
  if (name === '*') return true;
  const pattern = name.startsWith('*.') ? name.slice(1) : name;
  return pattern.startsWith('.') ? host.endsWith(pattern) : host === pattern || host.endsWith(`.${pattern}`);
}

function parseProxy(text: string): Proxy {
  if (!URL.canParse(text)) return { unusable: 'not-a-url' };
  const url = new URL(text);
  if (url.protocol !== 'http:') return { unusable: `scheme ${url.protocol.slice(0, -1)}` };
  const credentials = `${decoded(url.username)}:${decoded(url.password)}`;
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? 80 : Number(url.port),
    authorization: credentials === ':' ? null : `Basic ${Buffer.from(credentials).toString('base64')}`,
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
