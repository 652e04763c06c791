import type { MicrophoneWord } from '../microphone.ts';
import { readAudioInputPids, runsAgentsBrowser } from './macos-answers.ts';
import type { RunTool } from './run-tool.ts';

/** Each is a process that records; more than a handful is not this format. */
const MOST_PIDS = 100;

/**
 * The audio daemon keeps the computer awake for each process that records, and names it. It belongs to the system, so its word
 * is of the privileged side; `idle` is when it names none.
 */
export async function lookOnMac(agentUids: readonly number[], run: RunTool): Promise<MicrophoneWord[]> {
  const assertions = await run({ paths: ['/usr/bin/pmset'], args: ['-g', 'assertions'] });
  const pids = assertions === null ? null : readAudioInputPids(assertions);
  if (pids === null || pids.length > MOST_PIDS) return [{ side: 'privileged', says: 'unknown' }];
  if (pids.length === 0) return [{ side: 'privileged', says: 'idle' }];
  const processes = await run({ paths: ['/bin/ps'], args: ['-ww', '-o', 'pid=,uid=,comm=', '-p', pids.join(',')] });
  const isCall = processes !== null && runsAgentsBrowser(processes, agentUids);
  return [{ side: 'privileged', says: isCall ? 'on-call' : 'unknown' }];
}
