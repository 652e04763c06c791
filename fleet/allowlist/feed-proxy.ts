import { request } from 'node:http';
import type { Socket } from 'node:net';
import { FeedFault } from './feed-fault.ts';

/** As the process was started with: HTTPS_PROXY and NO_PROXY, in either case. */
export type ProxyEnvironment = Readonly<Record<string, string | undefined>>;

/** The proxy for a host; null: none. */
export function proxyFor(host: string, environment: ProxyEnvironment): URL | null {
  const named = environment.HTTPS_PROXY || environment.https_proxy;
  if (!named || isExempt(host, environment.NO_PROXY || environment.no_proxy || '')) return null;
  const url = URL.canParse(named) ? new URL(named) : null;
  if (url?.protocol !== 'http:') throw new FeedFault('unreachable', 'HTTPS_PROXY must be an http:// URL');
  return url;
}

function isExempt(host: string, list: string): boolean {
  return list
    .split(',')
    .map((entry) =>
      entry
        .trim()
        .toLowerCase()
        .replace(/^\*?\./, ''),
    )
    .some((entry) => entry === '*' || (entry !== '' && (host === entry || host.endsWith(`.${entry}`))));
}

/** A tunnel through an HTTP proxy (RFC 9110 section 9.3.6); nothing of the request is shown to the proxy but the host. */
export function openTunnel(proxy: URL, host: string, port: number, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const authority = `${host}:${port}`;
    const asking = request({
      host: proxy.hostname.replace(/^\[|\]$/g, ''),
      port: proxy.port || 80,
      method: 'CONNECT',
      path: authority,
      headers: { host: authority, ...credentialsOf(proxy) },
      agent: false,
      signal,
    });
    asking.once('connect', (answer, socket: Socket) => {
      if (answer.statusCode === 200) return resolve(socket);
      socket.destroy();
      reject(new FeedFault('refused', `the proxy answers ${answer.statusCode}`));
    });
    asking.once('response', (answer) => {
      answer.destroy();
      reject(new FeedFault('refused', `the proxy answers ${answer.statusCode}`));
    });
    asking.once('error', reject);
    asking.end();
  });
}

function credentialsOf({ username, password }: URL): Record<string, string> {
  if (username === '') return {};
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(pair).toString('base64')}` };
}
