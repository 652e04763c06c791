import { z } from 'zod';
import { isBrowserName } from './browser-names.ts';

/** Who records: `other` is a program that is no browser. `unknown` is an answer that cannot be read. */
export type Capture = 'browser' | 'other' | 'nobody' | 'unknown';

/** A desktop has some hundred objects. */
const MOST_OBJECTS = 10_000;

/** Of the formats' many fields, those that tell who records. Other versions have others. */
const Properties = z.object({
  'media.class': z.string().optional(),
  'application.process.binary': z.string().optional(),
  'application.name': z.string().optional(),
  'client.id': z.union([z.number(), z.string()]).optional(),
});

const SourceOutputs = z.array(z.object({ corked: z.boolean(), properties: Properties }));

const PipewireGraph = z.array(
  z.object({
    id: z.number(),
    type: z.string(),
    // Objects of a user's own making can have anything here.
    info: z.object({ state: z.string().optional(), props: Properties.nullish() }).nullish(),
  }),
);

/** `pactl -f json list source-outputs`, of PulseAudio and of PipeWire. A corked stream is paused. */
export function readSourceOutputs(text: string): Capture {
  const outputs = SourceOutputs.safeParse(parseList(text));
  if (!outputs.success) return 'unknown';
  return whoOf(outputs.data.filter((output) => !output.corked).map(({ properties }) => nameOf(properties)));
}

/** `pw-dump`. Who a stream belongs to may be known of its client alone. */
export function readPipewireGraph(text: string): Capture {
  const graph = PipewireGraph.safeParse(parseList(text));
  if (!graph.success || graph.data.length === 0) return 'unknown';
  const clients = new Map(graph.data.map(({ id, info }) => [String(id), info?.props]));
  const streams = graph.data.filter(({ info }) => info?.props?.['media.class'] === 'Stream/Input/Audio' && info.state === 'running');
  return whoOf(streams.map(({ info }) => nameOf({ ...clients.get(String(info?.props?.['client.id'])), ...info?.props })));
}

function whoOf(programs: readonly string[]): Capture {
  if (programs.some(isBrowserName)) return 'browser';
  return programs.length > 0 ? 'other' : 'nobody';
}

function nameOf(properties: z.infer<typeof Properties>): string {
  return properties['application.process.binary'] ?? properties['application.name'] ?? '';
}

/** Counted before it is validated, which costs far more for each element. */
function parseList(text: string): unknown {
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) && list.length <= MOST_OBJECTS ? list : undefined;
  } catch {
    return undefined;
  }
}
