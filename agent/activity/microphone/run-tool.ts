import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { bounded } from '../../host/bounded.ts';

export interface ToolCall {
  /** Where the tool may be; the first that exists is run. */
  paths: readonly string[];
  args: readonly string[];
  env?: Readonly<Record<string, string>>;
  /** Runs as this user, without any group of the daemon's. Needs CAP_SETUID, CAP_SETGID and CAP_KILL. */
  uid?: number;
}

/** What the tool printed; null when it is missing, failed, took too long or printed too much. Never rejects. */
export type RunTool = (call: ToolCall) => Promise<string | null>;

/** They answer in some 10 ms. */
const TOOL_MS = 2_000;
/** A desktop's whole PipeWire graph, the longest answer there is, comes to some 500 kB. Made to cost, 4 MiB of JSON take 200. */
const MOST_BYTES = 1024 * 1024;
/**
 * `nogroup`: what a sound server looks at is the user, and a group that is not the user's own keeps him from tracing the tool.
 * libuv clears the supplementary groups along with it.
 */
const NO_GROUP = 65_534;
/**
 * A tool that runs as a user is still one of the daemon's processes, and settings of his would run programs of his there, as
 * does `context.exec` of PipeWire's `client.conf`. Without HOME a tool takes it from the user's account.
 */
const NO_SETTINGS = { HOME: '/nonexistent', XDG_CONFIG_HOME: '/nonexistent', DBUS_SESSION_BUS_ADDRESS: 'disabled:' };

const PRLIMIT = '/usr/bin/prlimit';
/** Of a tool's own; the daemon's memory limit counts it in, and a server can say without end. PipeWire's takes 12 MiB. */
const MOST_MEMORY_BYTES = 64 * 1024 * 1024;

const unending = new AbortController().signal;

export const runTool: RunTool = async ({ paths, args, env = {}, uid }) => {
  const tool = paths.find((candidate) => existsSync(candidate));
  if (!tool) return null;
  const ending = await bounded<string | null>({ ms: TOOL_MS, signal: unending }, (settle, fail) => {
    const child = uid === undefined ? spawnTool(tool, args, { env }) : spawnAsUser(uid, tool, args, env);
    const chunks: Buffer[] = [];
    let bytes = 0;
    child.stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MOST_BYTES) return settle(null);
      chunks.push(chunk);
    });
    child.on('error', fail);
    if (uid !== undefined) child.on('exit', () => killGroup(child));
    child.on('close', (code) => settle(code === 0 ? Buffer.concat(chunks).toString('utf8') : null));
    return () => {
      // Once it has ended, its number may be another's.
      if (uid !== undefined && child.exitCode === null && child.signalCode === null) killGroup(child);
      child.kill('SIGKILL');
      child.stdout.destroy();
    };
  });
  return ending.ok ? ending.value : null;
};

function spawnAsUser(uid: number, tool: string, args: readonly string[], env: NodeJS.ProcessEnv) {
  const limited = [`--data=${MOST_MEMORY_BYTES}`, '--', tool, ...args];
  // A process group of its own, to end with the tool whatever the tool started.
  return spawnTool(PRLIMIT, limited, { uid, gid: NO_GROUP, env: { ...env, ...NO_SETTINGS }, detached: true });
}

function spawnTool(file: string, args: readonly string[], options: SpawnOptions) {
  const cwd = path.parse(file).root;
  return spawn(file, args, { ...options, cwd, stdio: ['ignore', 'pipe', 'ignore'], windowsHide: true });
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Nobody is left in it.
  }
}
