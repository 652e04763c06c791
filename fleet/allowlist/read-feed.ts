import { open } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { FeedFault } from './feed-fault.ts';
import { openTunnel, type ProxyEnvironment, proxyFor } from './feed-proxy.ts';

export interface FeedSource {
  /** `https:` or `file:`. AWS's own is https://ip-ranges.amazonaws.com/ip-ranges.json. */
  url: URL;
  proxy: ProxyEnvironment;
  /** Beside Node's own roots, as PEM: of a mirror inside the company. */
  extraRoots?: readonly string[];
  deadlineMs?: number;
}

/** `unchanged`: as the version that the ETag names. */
export type FeedText = { kind: 'unchanged' } | { kind: 'text'; text: string; etag: string | null };

/** The file has 2.6 MB and grows by a fifth a year. */
export const MAX_FEED_BYTES = 16 * 1024 * 1024;
/** Of the whole look, from the name to the last byte: 2.6 MB take 2 s at 10 Mbit/s, and nobody waits for it. */
const FEED_DEADLINE_MS = 60_000;
const MAX_ETAG_LENGTH = 200;

/** Reads the feed once. Redirects are refused: the file has one address, and a portal would send us elsewhere. */
export async function readFeed(source: FeedSource, etag: string | null, stop?: AbortSignal): Promise<FeedText> {
  const deadline = AbortSignal.timeout(source.deadlineMs ?? FEED_DEADLINE_MS);
  const signal = stop ? AbortSignal.any([deadline, stop]) : deadline;
  try {
    if (source.url.protocol === 'file:') return { kind: 'text', text: await readFile(source.url), etag: null };
    if (source.url.protocol === 'https:') return await download(source, etag, signal);
  } catch (error) {
    throw toFault(error, deadline.aborted);
  }
  throw new FeedFault('refused', 'the feed must be an https: or file: URL');
}

async function readFile(url: URL): Promise<string> {
  const file = await open(fileURLToPath(url), 'r').catch((error: NodeJS.ErrnoException) => {
    throw new FeedFault('unreadable', `the feed's file cannot be opened: ${error.code}`);
  });
  try {
    if (!(await file.stat()).isFile()) throw new FeedFault('unreadable', "the feed's file is no regular file");
    return await readBounded(file.createReadStream({ autoClose: false }));
  } finally {
    await file.close();
  }
}

async function download({ url, proxy, extraRoots }: FeedSource, etag: string | null, signal: AbortSignal): Promise<FeedText> {
  const port = Number(url.port || 443);
  const through = proxyFor(url.hostname, proxy);
  const socket = through ? await openTunnel(through, url.hostname, port, signal) : null;
  const answer = await ask(url, socket, { extraRoots, etag, signal });
  try {
    const status = answer.statusCode ?? 0;
    if (status === 304 && etag !== null) return { kind: 'unchanged' };
    if (status >= 300 && status < 400) throw new FeedFault('redirected', `the feed answers ${status}`);
    if (status !== 200) throw new FeedFault('refused', `the feed answers ${status}`);
    if (answer.headers['content-encoding']) throw new FeedFault('refused', 'the feed is compressed, which nobody asked for');
    const text = await readBounded(answer);
    const named = answer.headers.etag;
    return { kind: 'text', text, etag: named && named.length <= MAX_ETAG_LENGTH ? named : null };
  } finally {
    answer.destroy();
    socket?.destroy();
  }
}

interface Asking {
  extraRoots: readonly string[] | undefined;
  etag: string | null;
  signal: AbortSignal;
}

function ask(url: URL, socket: Socket | null, { extraRoots, etag, signal }: Asking): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const asking = request(url, {
      agent: false,
      signal,
      headers: { accept: 'application/json', 'accept-encoding': 'identity', ...(etag !== null && { 'if-none-match': etag }) },
      ...(extraRoots && { ca: [...extraRoots] }),
      // TLS over the tunnel: `request` adds it to a socket that it is handed.
      ...(socket && { socket }),
    });
    asking.once('response', resolve);
    asking.once('error', reject);
    asking.end();
  });
}

async function readBounded(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    bytes += chunk.length;
    if (bytes > MAX_FEED_BYTES) throw new FeedFault('too-large', `the feed has more than ${MAX_FEED_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

const untrusted = /^(CERT_|ERR_TLS_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|EPROTO$|ERR_SSL_)/;

function toFault(error: unknown, isLate: boolean): FeedFault {
  if (error instanceof FeedFault) return error;
  if (isLate) return new FeedFault('timed-out', 'the feed did not come to its end in time');
  const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
  return untrusted.test(code)
    ? new FeedFault('untrusted', `the feed's certificate is not trusted: ${code}`)
    : new FeedFault('unreachable', `the feed cannot be reached: ${code}`);
}
