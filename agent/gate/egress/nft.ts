import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { bounded } from '../../host/bounded.ts';

const nftCommands: readonly (readonly string[])[] = [['/usr/sbin/nft'], ['/sbin/nft'], ['/usr/bin/nft']];

/** A run takes some 5 ms; another program's long transaction can hold the kernel's lock. */
const RUN_MS = 5_000;
/** A table of ours is at most some 300 KiB of JSON. */
const MOST_OUTPUT_BYTES = 4 * 1024 * 1024;
const MOST_DETAIL = 200;

export type NftAnswer = { ok: true; text: string } | { ok: false; detail: string };

/** nftables' own tool. It needs CAP_NET_ADMIN and nothing more. */
export interface Nft {
  isThere(): boolean;
  /** `script` goes to its standard input. Never rejects; what is not there or takes too long has failed. */
  run(args: readonly string[], script?: string): Promise<NftAnswer>;
}

/** `commands`: candidates, each an absolute path and what stands before nft's own arguments. */
export function createNft(commands = nftCommands): Nft {
  const find = () => commands.find(([path]) => path !== undefined && existsSync(path));
  return {
    isThere: () => find() !== undefined,
    async run(args, script = '') {
      const [path, ...before] = find() ?? [];
      if (path === undefined) return { ok: false, detail: 'nft: not installed' };
      const ending = await bounded<NftAnswer>({ ms: RUN_MS, signal: new AbortController().signal }, (settle) => {
        const child = execFile(path, [...before, ...args], { env: {}, maxBuffer: MOST_OUTPUT_BYTES }, (error, stdout, stderr) =>
          settle(error ? { ok: false, detail: firstLine(stderr) || firstLine(error.message) } : { ok: true, text: stdout }),
        );
        // A tool that ended before it read all of its input says so by its exit code.
        child.stdin?.on('error', () => {});
        child.stdin?.end(script);
        return () => child.kill('SIGKILL');
      });
      return ending.ok ? ending.value : { ok: false, detail: `nft: ${String(ending.error)}`.slice(0, MOST_DETAIL) };
    },
  };
}

function firstLine(text: string): string {
  return (text.split('\n', 1)[0] ?? '').slice(0, MOST_DETAIL);
}
