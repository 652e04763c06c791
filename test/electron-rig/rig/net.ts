import { readFileSync } from 'node:fs';
import { loud } from './loud.ts';

/** File addresses and Node's own fetch: not the browser's network stack, and not its cookies. */
export const net: Pick<Electron.Net, 'fetch' | 'isOnline'> = loud('net', {
  isOnline: () => true,
  fetch: async (input: string | Request, init?: RequestInit) => {
    const url = typeof input === 'string' ? input : input.url;
    return url.startsWith('file:') ? new Response(new Uint8Array(readFileSync(new URL(url)))) : fetch(input, init);
  },
}) as Pick<Electron.Net, 'fetch' | 'isOnline'>;
