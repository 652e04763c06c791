/* Both functions stand alone: they are also injected into pages by their source text. */

/** What structured clone carries, as JSON. Cycles are refused by name; functions and symbols as Electron refuses them. */
export function encode(value: unknown, above: readonly unknown[] = []): unknown {
  const refuse = (): never => {
    throw new Error('An object could not be cloned.');
  };
  if (value === undefined) return { $: 'undefined' };
  if (typeof value === 'bigint') return { $: 'bigint', v: String(value) };
  if (typeof value === 'number') {
    if (Object.is(value, -0)) return { $: 'number', v: '-0' };
    return Number.isFinite(value) ? value : { $: 'number', v: String(value) };
  }
  if (typeof value === 'function' || typeof value === 'symbol') return refuse();
  if (typeof value !== 'object' || value === null) return value;
  if (above.includes(value)) throw new Error('electron rig: cyclic values are not carried');
  const path = [...above, value];
  if (Array.isArray(value)) return Array.from(value, (item) => encode(item, path));
  if (value instanceof Date) return { $: 'date', v: value.getTime() };
  if (value instanceof RegExp) return { $: 'regexp', v: [value.source, value.flags] };
  if (value instanceof Map) return { $: 'map', v: [...value].map(([key, item]) => [encode(key, path), encode(item, path)]) };
  if (value instanceof Set) return { $: 'set', v: [...value].map((item) => encode(item, path)) };
  if (value instanceof Error) return { $: 'error', v: [value.name, value.message, value.stack] };
  if (value instanceof Promise || value instanceof WeakMap || value instanceof WeakSet) return refuse();
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) {
    const bytes = value instanceof ArrayBuffer ? new Uint8Array(value) : new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    let text = '';
    for (const byte of bytes) text += String.fromCharCode(byte);
    return { $: 'bytes', as: Object.prototype.toString.call(value).slice(8, -1), v: btoa(text) };
  }
  const plain: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) plain[key] = encode(item, path);
  return '$' in plain ? { $: 'object', v: plain } : plain;
}

interface Tagged {
  $?: string;
  v?: unknown;
  as?: string;
}

export function decode(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map((item: unknown) => decode(item));
  const entries = (from: object) => Object.fromEntries(Object.entries(from).map(([key, item]) => [key, decode(item)]));
  const { $: tag, v, as } = value as Tagged;
  const list = Array.isArray(v) ? (v as unknown[]) : [];
  if (tag === undefined) return entries(value);
  if (tag === 'undefined') return undefined;
  if (tag === 'bigint') return BigInt(String(v));
  if (tag === 'number') return Number(v);
  if (tag === 'date') return new Date(Number(v));
  if (tag === 'regexp') return new RegExp(String(list[0]), String(list[1]));
  if (tag === 'map') return new Map(list.map((pair) => decode(pair) as [unknown, unknown]));
  if (tag === 'set') return new Set(list.map((item) => decode(item)));
  if (tag === 'error') return Object.assign(new Error(String(list[1])), { name: String(list[0]), stack: String(list[2]) });
  if (tag === 'bytes') {
    const bytes = Uint8Array.from(atob(String(v)), (character) => character.charCodeAt(0));
    if (as === 'ArrayBuffer') return bytes.buffer;
    const View = Reflect.get(globalThis, as ?? 'Uint8Array') as new (buffer: ArrayBuffer) => unknown;
    return new View(bytes.buffer);
  }
  return entries(Object(v) as object);
}
