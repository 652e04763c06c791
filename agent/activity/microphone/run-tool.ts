import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { bounded } from '../../host/bounded.ts';

export interface ToolCall {
  /** Where the tool may be; the first that exists is run. */
  paths: readonly string[];
  args: readonly string[];
  env?: Readonly<Record<string, string>>;
  /** Runs as this user, without any group of the daemon's. Needs CAP_SETUID and CAP_SETGID. */
  uid?: number;
}

/** What the tool printed; null when it is missing, failed, took too long or printed too much. Never rejects. */
export type RunTool = (call: ToolCall) => Promise<string | null>;

/** They answer in some 10 ms. */
const TOOL_MS = 2_000;
/** A desktop's whole PipeWire graph, the longest answer there is, comes to some 500 kB. */
const MOST_BYTES = 4 * 1024 * 1024;
/** `nogroup`: what a sound server looks at is the user. libuv clears the supplementary groups along with it. */
const NO_GROUP = 65_534;

const unending = new AbortController().signal;

export const runTool: RunTool = async ({ paths, args, env = {}, uid }) => {
  const tool = paths.find((path) => existsSync(path));
  if (!tool) return null;
  const ending = await bounded<string | null>({ ms: TOOL_MS, signal: unending }, (settle, fail) => {
    const user = uid === undefined ? {} : { uid, gid: NO_GROUP };
    const child = spawn(tool, args, { stdio: ['ignore', 'pipe', 'ignore'], env, windowsHide: true, ...user });
    const chunks: Buffer[] = [];
    let bytes = 0;
    child.stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MOST_BYTES) return settle(null);
      chunks.push(chunk);
    });
    child.on('error', fail);
    child.on('close', (code) => settle(code === 0 ? Buffer.concat(chunks).toString('utf8') : null));
    return () => {
      child.kill('SIGKILL');
      child.stdout.destroy();
    };
  });
  return ending.ok ? ending.value : null;
};
