import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { repoRoot } from '../../build/repo.ts';
import { CheckDocument } from '../../contracts/report.ts';
import { scenarios } from '../lab/scenarios.ts';
import { whyNoLab, withLab } from '../lab/with-lab.ts';
import { median, type Row, ratio } from './measure.ts';

const SLOWEST_PROBE_BUDGET = 1.2;
const ROUNDS = 7;
const DEADLINE_MS = 60_000;

export async function runBench(): Promise<Row[]> {
  const healthy = scenarios.get('healthy');
  const why = whyNoLab(healthy ? [healthy] : []);
  if (why !== null) return [{ what: 'whole healthy run in the lab', measured: `not taken: ${why}`, baseline: '-', budget: '-', met: null }];
  return withLab('healthy', async (lab) => {
    const peakPath = path.join(lab.dir, 'peak');
    // Prints the peak of the process itself; its resolver helper is another process and is not in it.
    const hook = `process.on('exit',()=>process.getBuiltinModule('node:fs').writeFileSync(${JSON.stringify(peakPath)},String(process.resourceUsage().maxRSS)))`;
    const node = [process.execPath, '--import', `data:text/javascript,${encodeURIComponent(hook)}`];
    const cli = [...node, path.join(repoRoot, 'dist', 'agent', 'deskwarden.js'), 'check', '--policy', lab.policyPath, '--json'];
    const runs: { slowestMs: number; wholeMs: number; wallMs: number; peakMiB: number; bytes: number }[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const startedMs = performance.now();
      const { stdout } = await lab.exec(cli, { timeoutMs: DEADLINE_MS });
      const wallMs = performance.now() - startedMs;
      const document = CheckDocument.parse(JSON.parse(stdout));
      const slowestMs = Math.max(...document.findings.map((finding) => finding.tookMs));
      const wholeMs = Date.parse(document.finishedAt) - Date.parse(document.startedAt);
      const peakMiB = Number(await readFile(peakPath, 'utf8')) / 1_024;
      runs.push({ slowestMs, wholeMs, wallMs, peakMiB, bytes: Buffer.byteLength(JSON.stringify(document.findings)) });
    }
    await lab.exec([...node, '-e', '0']);
    const bareMiB = Number(await readFile(peakPath, 'utf8')) / 1_024;
    const of = (pick: (run: (typeof runs)[number]) => number) => median(runs.map(pick));
    const share = of((run) => run.wholeMs / run.slowestMs);
    return [
      {
        what: 'whole healthy run in the lab',
        measured: `${of((run) => run.wholeMs).toFixed(0)} ms (process ${of((run) => run.wallMs).toFixed(0)} ms)`,
        baseline: `slowest single probe ${of((run) => run.slowestMs).toFixed(0)} ms (${share.toFixed(2)} x)`,
        budget: `${SLOWEST_PROBE_BUDGET} x`,
        met: share <= SLOWEST_PROBE_BUDGET,
      },
      {
        what: 'peak RSS of a whole run',
        measured: `${of((run) => run.peakMiB).toFixed(0)} MiB`,
        baseline: `bare node ${bareMiB.toFixed(0)} MiB (${ratio(
          of((run) => run.peakMiB),
          bareMiB,
        )})`,
        budget: '-',
        met: null,
      },
      {
        what: 'findings with their evidence',
        measured: `${(of((run) => run.bytes) / 1_024).toFixed(1)} KiB`,
        baseline: '-',
        budget: '16 KiB',
        met: of((run) => run.bytes) <= 16 * 1_024,
      },
    ];
  });
}
