import { spawn } from 'node:child_process';
import path from 'node:path';
import { repoRoot } from '../../build/repo.ts';
import { median, type Row, ratio } from './measure.ts';

const COLD_BUDGET_MS = 400;
const ROUNDS = 9;

export async function cliBench(): Promise<Row[]> {
  const cli = path.join(repoRoot, 'dist', 'agent', 'deskwarden.js');
  const check = [cli, 'check', '--instance', 'acme', '--region', 'us-west-2', '--only', 'network.allowlist-freshness', '--json'];
  const ours: number[] = [];
  const bare: number[] = [];
  const help: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    bare.push(await timeNode(['-e', '0']));
    ours.push(await timeNode(check));
    help.push(await timeNode([cli, '--help']));
  }
  const baseline = (ms: number) => `bare node ${median(bare).toFixed(0)} ms (${ratio(ms, median(bare))})`;
  return [
    {
      what: 'check --only one pure check, cold',
      measured: `${median(ours).toFixed(0)} ms`,
      baseline: baseline(median(ours)),
      budget: `${COLD_BUDGET_MS} ms`,
      met: median(ours) < COLD_BUDGET_MS,
    },
    { what: '--help, cold', measured: `${median(help).toFixed(0)} ms`, baseline: baseline(median(help)), budget: '-', met: null },
  ];
}

function timeNode(args: readonly string[]): Promise<number> {
  const started = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { stdio: 'ignore' });
    child.on('error', reject);
    child.on('exit', () => resolve(performance.now() - started));
  });
}
