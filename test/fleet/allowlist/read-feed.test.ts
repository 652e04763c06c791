import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { FeedFault } from '../../../fleet/allowlist/feed-fault.ts';
import { proxyFor } from '../../../fleet/allowlist/feed-proxy.ts';
import { type FeedSource, MAX_FEED_BYTES, readFeed } from '../../../fleet/allowlist/read-feed.ts';
import { makePki } from '../../servers/pki.ts';
import { proxyServer } from '../../servers/proxy.ts';
import { feedText } from './feed-fixture.ts';

const pki = makePki();
const leaf = pki.leaf({ names: ['127.0.0.1', 'localhost'] });
const text = feedText('2026-08-22');
const asked: IncomingMessage[] = [];
let answer: (request: IncomingMessage, response: ServerResponse) => void = () => {};
const server = createServer({ cert: leaf.certPem + pki.intermediate.certPem, key: leaf.keyPem }, (request, response) => {
  asked.push(request);
  answer(request, response);
});
let source: FeedSource;
let dir: string;

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  source = { url: new URL(`https://127.0.0.1:${port}/ip-ranges.json`), proxy: {}, extraRoots: [pki.root.certPem] };
  dir = await mkdtemp(path.join(tmpdir(), 'deskwarden-feed-'));
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await rm(dir, { recursive: true });
});

async function faultOf(reading: Promise<unknown>): Promise<string> {
  const error = await reading.then(() => null).catch((reason: unknown) => reason);
  if (error instanceof FeedFault) return `${error.code}: ${error.message}`;
  throw error ?? new Error('it was read');
}

it('reads the feed, and with its ETag nothing twice', async () => {
  answer = (request, response) => {
    if (request.headers['if-none-match'] === '"one"') response.writeHead(304).end();
    else response.writeHead(200, { etag: '"one"' }).end(text);
  };
  expect(await readFeed(source, null)).toEqual({ kind: 'text', text, etag: '"one"' });
  expect(await readFeed(source, '"one"')).toEqual({ kind: 'unchanged' });
  expect(asked.at(-1)?.headers['accept-encoding']).toBe('identity');
});

it.each([
  ['a redirect', 302, { location: 'https://portal.example.com/' }, 'redirected: the feed answers 302'],
  ['not modified, though nobody asked', 304, {}, 'redirected: the feed answers 304'],
  ['an error', 503, {}, 'refused: the feed answers 503'],
  ['less than nothing', 204, {}, 'refused: the feed answers 204'],
  ['a compressed answer', 200, { 'content-encoding': 'gzip' }, 'refused: the feed is compressed, which nobody asked for'],
])('refuses %s', async (_, status, headers, fault) => {
  answer = (_request, response) => response.writeHead(status, headers).end();
  expect(await faultOf(readFeed(source, null))).toBe(fault);
});

it('stops reading what is larger than the feed can be', async () => {
  let sent = 0;
  answer = (_request, response) => {
    response.on('error', () => {});
    const chunk = Buffer.alloc(1024 * 1024, 32);
    const push = () => {
      while (!response.destroyed) {
        sent += chunk.length;
        if (!response.write(chunk)) return void response.once('drain', push);
      }
    };
    push();
  };
  expect(await faultOf(readFeed(source, null))).toBe(`too-large: the feed has more than ${MAX_FEED_BYTES} bytes`);
  expect(sent).toBeLessThan(MAX_FEED_BYTES * 3);
});

it.each([
  ['says nothing', () => {}],
  [
    'stops in the middle',
    (_: unknown, response: ServerResponse) => void response.writeHead(200, { 'content-length': text.length }).write(text.slice(0, 100)),
  ],
])('gives up on a feed that %s', async (_, does) => {
  answer = does;
  expect(await faultOf(readFeed({ ...source, deadlineMs: 300 }, null))).toBe('timed-out: the feed did not come to its end in time');
});

it('tells a feed that breaks off from one that is short', async () => {
  answer = (_request, response) => {
    response.writeHead(200, { 'content-length': text.length }).write(text.slice(0, 100), () => response.destroy());
  };
  expect(await faultOf(readFeed(source, null))).toMatch(/^unreachable: /);
});

it('trusts no certificate but those of the roots, and speaks to nobody in the clear', async () => {
  answer = (_request, response) => response.end(text);
  expect(await faultOf(readFeed({ ...source, extraRoots: [pki.foreignRoot.certPem] }, null))).toMatch(
    /^untrusted: .*(UNABLE_TO|SELF_SIGNED)/,
  );
  const { extraRoots: _, ...plain } = source;
  expect(await faultOf(readFeed(plain, null))).toMatch(/^untrusted: /);
  expect(await faultOf(readFeed({ ...source, url: new URL(source.url.href.replace('127.0.0.1', '127.0.0.2')) }, null))).toMatch(
    /^(untrusted|unreachable): /,
  );
  expect(await faultOf(readFeed({ ...source, url: new URL(source.url.href.replace('https', 'http')) }, null))).toBe(
    'refused: the feed must be an https: or file: URL',
  );
});

it('says what cannot be reached', async () => {
  expect(await faultOf(readFeed({ ...source, url: new URL('https://127.0.0.1:9/') }, null))).toBe(
    'unreachable: the feed cannot be reached: ECONNREFUSED',
  );
});

it('goes through the proxy of the environment, which sees the host alone', async () => {
  answer = (_request, response) => response.end(text);
  const proxy = await proxyServer({ toPort: Number(source.url.port) });
  const environment = { https_proxy: `http://user:p%40ss@127.0.0.1:${proxy.port}` };
  // The name is the proxy's to resolve; the certificate is checked for it here.
  const url = new URL(`https://localhost:${source.url.port}/ip-ranges.json`);
  expect(await readFeed({ ...source, url, proxy: environment }, null)).toEqual({ kind: 'text', text, etag: null });
  expect(proxy.heads).toHaveLength(1);
  expect(proxy.heads[0]).toMatch(new RegExp(`^CONNECT localhost:${url.port} HTTP/1.1\\r\\n`));
  expect(proxy.heads[0]).toContain(`proxy-authorization: Basic ${Buffer.from('user:p@ss').toString('base64')}`);
  await readFeed({ ...source, url, proxy: { ...environment, NO_PROXY: 'example.com, localhost' } }, null);
  expect(proxy.heads).toHaveLength(1);
  await proxy.close();

  const refusing = await proxyServer({ answer: 'HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n' });
  const fault = await faultOf(readFeed({ ...source, proxy: { HTTPS_PROXY: `http://127.0.0.1:${refusing.port}` } }, null));
  expect(fault).toBe('refused: the proxy answers 407');
  await refusing.close();
});

it.each([
  ['', true],
  ['*', false],
  ['amazonaws.com', false],
  ['.amazonaws.com', false],
  ['*.amazonaws.com', false],
  ['ip-ranges.amazonaws.com', false],
  ['azonaws.com', true],
  ['example.com,,ip-ranges.amazonaws.com ', false],
])('NO_PROXY=%j leaves the feed to the proxy: %s', (list, isProxied) => {
  const found = proxyFor('ip-ranges.amazonaws.com', { HTTPS_PROXY: 'http://proxy.example.com:3128', NO_PROXY: list });
  expect(found !== null).toBe(isProxied);
});

it('refuses a proxy that it cannot speak to', () => {
  expect(() => proxyFor('example.com', { HTTPS_PROXY: 'socks5://127.0.0.1:1080' })).toThrow('HTTPS_PROXY must be an http:// URL');
  expect(proxyFor('example.com', {})).toBeNull();
});

it('reads a file', async () => {
  const file = path.join(dir, 'ip-ranges.json');
  await writeFile(file, text);
  expect(await readFeed({ url: pathToFileURL(file), proxy: {} }, null)).toEqual({ kind: 'text', text, etag: null });
  expect(await faultOf(readFeed({ url: pathToFileURL(`${file}.gone`), proxy: {} }, null))).toBe(
    "unreadable: the feed's file cannot be opened: ENOENT",
  );
  expect(await faultOf(readFeed({ url: pathToFileURL(dir), proxy: {} }, null))).toMatch(/^unreadable: /);
  await writeFile(file, Buffer.alloc(MAX_FEED_BYTES + 1, 32));
  expect(await faultOf(readFeed({ url: pathToFileURL(file), proxy: {} }, null))).toMatch(/^too-large: /);
});
