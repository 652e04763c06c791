import 'uplot/dist/uPlot.min.css';
import { useEffect, useRef, useState } from 'react';
import uPlot from 'uplot';
import type { QualitySample } from '../../../contracts/desk-history.ts';
import { type Limits, type Measure, plotRange, series } from '../model/quality.ts';
import { useWords } from '../words.ts';

const HEIGHT = 150;
const AXIS_FONT = '12px system-ui, sans-serif';

interface Props {
  samples: readonly QualitySample[];
  measure: Measure;
  limits: Limits;
}

/** Drawn for the eye alone: what it shows is beside it in words and below it as a table. */
export function Plot({ samples, measure, limits }: Props) {
  const { time } = useWords();
  const host = useRef<HTMLDivElement>(null);
  const scheme = useScheme();

  useEffect(() => {
    const element = host.current;
    if (element === null) return;
    const ink = coloursOf(element, scheme);
    const [times, values] = series(samples, measure);
    const axis = { stroke: ink('--text-2'), font: AXIS_FONT, grid: { stroke: ink('--line'), width: 1 }, ticks: { show: false } };
    const plot = new uPlot(
      {
        width: element.clientWidth,
        height: HEIGHT,
        legend: { show: false },
        cursor: { show: false },
        scales: { x: { time: true }, y: { range: plotRange(measure, values, limits) } },
        axes: [
          { ...axis, values: (_, splits) => splits.map((at) => time.hour(new Date(at * 1_000))), space: 80, size: 28 },
          { ...axis, size: 44, values: (_, splits) => splits.map((value) => time.number(value, 1)) },
        ],
        series: [{}, { stroke: ink('--accent'), width: 2, points: { show: true, size: 5, fill: ink('--accent') }, spanGaps: false }],
        hooks: { drawClear: [(drawn) => drawBands(drawn, measure, limits, ink)] },
      },
      [times, values],
      element,
    );
    const watcher = new ResizeObserver(() => {
      if (element.clientWidth > 0) plot.setSize({ width: element.clientWidth, height: HEIGHT });
    });
    watcher.observe(element);
    return () => {
      watcher.disconnect();
      plot.destroy();
    };
  }, [samples, measure, limits, time, scheme]);

  return <div ref={host} className="canvas" aria-hidden="true" />;
}

/** What is beyond each limit is shaded, and each limit is a line of its own pattern, for who cannot tell the shades apart. */
function drawBands({ ctx, bbox, scales, valToPos }: uPlot, measure: Measure, { warn, fail }: Limits, ink: (name: string) => string): void {
  const { min, max } = scales.y ?? {};
  if (typeof min !== 'number' || typeof max !== 'number') return;
  const y = (value: number) => Math.min(Math.max(valToPos(value, 'y', true), bbox.top), bbox.top + bbox.height);
  const worst = measure === 'mos' ? min : max;
  const band = (from: number, to: number, fill: string) => {
    ctx.fillStyle = ink(fill);
    ctx.fillRect(bbox.left, Math.min(y(from), y(to)), bbox.width, Math.abs(y(from) - y(to)));
  };
  ctx.save();
  band(warn, fail, '--care-soft');
  band(fail, worst, '--stop-soft');
  for (const [value, colour, dash] of [
    [warn, '--care', [6, 4]],
    [fail, '--stop', []],
  ] as const) {
    if (value <= min || value >= max) continue;
    ctx.strokeStyle = ink(colour);
    ctx.setLineDash([...dash]);
    ctx.lineWidth = 1;
    ctx.beginPath();
    ctx.moveTo(bbox.left, Math.round(y(value)) + 0.5);
    ctx.lineTo(bbox.left + bbox.width, Math.round(y(value)) + 0.5);
    ctx.stroke();
  }
  ctx.restore();
}

/** A canvas takes no custom properties: they are read when the scheme changes. */
function coloursOf(element: Element, _scheme: string): (name: string) => string {
  const computed = getComputedStyle(element);
  return (name) => computed.getPropertyValue(name).trim() || 'CanvasText';
}

function useScheme(): string {
  const read = () =>
    ['(prefers-color-scheme: dark)', '(forced-colors: active)'].map((query) => String(window.matchMedia(query).matches)).join();
  const [scheme, setScheme] = useState(read);
  useEffect(() => {
    const lists = ['(prefers-color-scheme: dark)', '(forced-colors: active)'].map((query) => window.matchMedia(query));
    const follow = () => setScheme(read());
    for (const list of lists) list.addEventListener('change', follow);
    return () => {
      for (const list of lists) list.removeEventListener('change', follow);
    };
  });
  return scheme;
}
