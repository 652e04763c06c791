/** Length of the body, big-endian. */
export const HEADER_BYTES = 4;

/** Says only that its sender is there. */
export const EMPTY_FRAME: Uint8Array = new Uint8Array(HEADER_BYTES);

export interface FrameFault {
  code: 'frame-too-large';
  detail: string;
}

export interface FrameDecoder {
  /** The bodies that this chunk completed. After a fault the stream has no meaning any more: nothing further is read. */
  push(chunk: Uint8Array): { bodies: Uint8Array[]; fault: FrameFault | null };
  /** What is kept between chunks, never more than header and bound. */
  heldBytes(): number;
}

export function encodeFrame(body: Uint8Array): Uint8Array {
  const frame = new Uint8Array(HEADER_BYTES + body.length);
  new DataView(frame.buffer).setUint32(0, body.length);
  frame.set(body, HEADER_BYTES);
  return frame;
}

export function createFrameDecoder(maxBytes: number): FrameDecoder {
  const header = new Uint8Array(HEADER_BYTES);
  let headerFilled = 0;
  let body: Uint8Array | null = null;
  let bodyFilled = 0;
  let fault: FrameFault | null = null;

  /** Copies what the target still lacks; a chunk belongs to whoever gave it. */
  const fill = (target: Uint8Array, filled: number, chunk: Uint8Array, from: number): number => {
    const count = Math.min(target.length - filled, chunk.length - from);
    target.set(chunk.subarray(from, from + count), filled);
    return count;
  };

  return {
    push(chunk) {
      const bodies: Uint8Array[] = [];
      for (let at = 0; fault === null && at < chunk.length; ) {
        if (body === null) {
          const taken = fill(header, headerFilled, chunk, at);
          headerFilled += taken;
          at += taken;
          if (headerFilled < HEADER_BYTES) break;
          const length = new DataView(header.buffer).getUint32(0);
          if (length > maxBytes) {
            fault = { code: 'frame-too-large', detail: `a frame of ${length} bytes, at most ${maxBytes}` };
            break;
          }
          body = new Uint8Array(length);
          bodyFilled = 0;
        }
        const taken = fill(body, bodyFilled, chunk, at);
        bodyFilled += taken;
        at += taken;
        if (bodyFilled < body.length) break;
        bodies.push(body);
        body = null;
        headerFilled = 0;
      }
      return { bodies, fault };
    },
    heldBytes: () => headerFilled + (body?.length ?? 0),
  };
}
