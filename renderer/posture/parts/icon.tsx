import type { FaceShape } from '../model/face.ts';
import type { ViewName } from '../model/place.ts';

const lines: Readonly<Record<ViewName, string>> = {
  now: 'M4 12.5 9.5 18 20 6.5',
  quality: 'M3 17 8 10l4 4 4-8 5 7',
  today: 'M12 7v5l3.5 2M12 3.5a8.5 8.5 0 1 0 .01 0Z',
  leaves: 'M12 15V4m-4 4 4-4 4 4M5 14v5h14v-5',
  about: 'M12 11v6M12 7.5v.01M12 3.5a8.5 8.5 0 1 0 .01 0Z',
};

export function Icon({ name }: { name: ViewName }) {
  return (
    <svg className="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={lines[name]} />
    </svg>
  );
}

/** Outline and sign both differ, so that neither colour nor detail is needed: circle, triangle, octagon, diamond, ring, empty ring. */
const shapes: Readonly<Record<FaceShape, { outline: string; sign: string }>> = {
  go: { outline: 'M32 4a28 28 0 1 0 .01 0Z', sign: 'm20 33 8.5 8.5L45 25' },
  care: {
    outline:
      'M32 6.5c1.8 0 3.4 1 4.3 2.500l22.600 41.500c1.900 3.400-.5 7.500-4.300 7.500H9.400c-3.800 0-6.200-4.100-4.300-7.500L27.700 9c.9-1.500 2.500-2.500 4.300-2.500Z',
    sign: 'M32 23v17M32 47.500v.01',
  },
  stop: { outline: 'M20.500 4h23L60 20.500v23L43.500 60h-23L4 43.500v-23Z', sign: 'M19 32h26' },
  ask: { outline: 'M32 3 61 32 32 61 3 32Z', sign: 'M25.500 26.500c0-8 13-8 13-.5 0 5-6.500 5-6.500 10M32 43.500v.01' },
  wait: { outline: 'M32 4a28 28 0 1 0 .01 0Z', sign: 'M20 32v.01M32 32v.01M44 32v.01' },
  off: { outline: 'M32 4a28 28 0 1 0 .01 0Z', sign: 'm22 22 20 20m0-20L22 42' },
};

export function Sign({ shape, className = 'sign' }: { shape: FaceShape; className?: string }) {
  return (
    <svg className={className} data-shape={shape} viewBox="0 0 64 64" aria-hidden="true">
      <path className="outline" d={shapes[shape].outline} />
      <path className="mark" d={shapes[shape].sign} />
    </svg>
  );
}
