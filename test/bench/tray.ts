import { readFileSync } from 'node:fs';
import type { ElectronApplication } from 'playwright';
import { buildApp } from '../e2e/tray/build-app.ts';
import { launchDesk, stageTray, until, which, whyNoTray } from '../e2e/tray/desk-app.ts';
import { deskSnapshot } from '../e2e/tray/desk-told.ts';
import { scriptDaemon } from '../e2e/tray/scripted-daemon.ts';
import { processTree } from '../electron-rig/processes.ts';
import { median, type Row } from './measure.ts';

const RUNS = 5;
const PAINT_BUDGET_MS = 1_000;
const SETTLE_MS = 2_000;

/** From its start, and from a click in the tray, to the list on the screen; and what its processes take. */
export async function trayBench(): Promise<Row[]> {
  if (whyNoTray !== null) return [{ what: 'tray app', measured: `not taken: ${whyNoTray}`, baseline: '-', budget: '-', met: null }];
  const stage = await stageTray();
  const daemon = scriptDaemon(stage.dir);
  const started: number[] = [];
  const opened: number[] = [];
  let memory: Memory | null = null;
  try {
    await Promise.all([buildApp(), daemon.start()]);
    daemon.say(deskSnapshot());
    for (let run = 0; run < RUNS; run += 1) {
      const fromMs = Date.now();
      const desk = await launchDesk({ ...stage, runDir: daemon.runDir });
      const first = await desk.page('posture');
      started.push(Number(await first.evaluate(whenListed)) - fromMs);
      await first.close();
      await until(async () => (await desk.bounds('posture')) === null);
      const clickedMs = Date.now();
      await desk.choose('open-posture');
      const page = await desk.page('posture');
      opened.push(Number(await page.evaluate(whenListed)) - clickedMs);
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
      memory = memoryOf(desk.app);
      await desk.close();
    }
  } finally {
    await daemon.stop();
    await stage.close();
  }
  const of = (values: readonly number[]) =>
    `${median(values).toFixed(0)} ms (${Math.min(...values).toFixed(0)} to ${Math.max(...values).toFixed(0)})`;
  return [
    {
      what: `tray app on ${which}: first posture list painted, from the program's start, median of ${RUNS}`,
      measured: of(started),
      baseline: '-',
      budget: `${PAINT_BUDGET_MS} ms`,
      met: median(started) < PAINT_BUDGET_MS,
    },
    { what: 'the same in the running app, from a click in the tray', measured: of(opened), baseline: '-', budget: '-', met: null },
    ...(memory === null
      ? []
      : [
          { what: 'RSS of its main process', measured: `${memory.main.toFixed(0)} MB`, baseline: '-', budget: '-', met: null },
          { what: 'RSS of its posture page', measured: `${memory.renderer.toFixed(0)} MB`, baseline: '-', budget: '-', met: null },
        ]),
  ];
}

/** By the wall clock: when the largest thing was painted that is there once the list is. Before the list there is one line only. */
const whenListed = `new Promise((resolve) => {
  const tell = () => new PerformanceObserver((list) => {
    resolve(performance.timeOrigin + list.getEntries().at(-1).startTime);
  }).observe({ type: 'largest-contentful-paint', buffered: true });
  const look = () => document.querySelector('section.answer') ? requestAnimationFrame(() => setTimeout(tell)) : requestAnimationFrame(look);
  look();
})`;

/** Decimal megabytes. */
interface Memory {
  main: number;
  renderer: number;
}

/** On the rig the main process is Node, without a browser in it; of the renderers, the one that a page has is the largest. */
function memoryOf(app: ElectronApplication): Memory {
  const { pid = 0 } = app.process();
  const all = processTree(pid).map((mark) => ({ pid: mark.pid, text: read(`/proc/${mark.pid}/cmdline`), rss: rssOf(mark.pid) }));
  const renderers = all.filter(({ text }) => text.includes('--type=renderer')).map(({ rss }) => rss);
  return { main: all.find((one) => one.pid === pid)?.rss ?? 0, renderer: Math.max(0, ...renderers) };
}

function rssOf(pid: number): number {
  return (Number(/^VmRSS:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0) * 1_024) / 1e6;
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
