/** Where text goes. */
export interface Output {
  readonly isTerminal: boolean;
  write(text: string): void;
  /** The window's size now; it may change during a run. */
  size(): { columns: number; rows: number };
  /** Ends once all that was written is on its way, or has failed. */
  flush(): Promise<void>;
}

const NO_WINDOW = { columns: 100, rows: 24 };

/** A reader that went away (`| head`) or a terminal that was closed. */
const READER_GONE = new Set(['EPIPE', 'EIO', 'ERR_STREAM_DESTROYED']);

export interface OutputTrouble {
  readerGone: boolean;
  code: string;
}

/** After the first trouble nothing is written any more. */
export function streamOutput(stream: NodeJS.WriteStream, onTrouble: (trouble: OutputTrouble) => void): Output {
  let broken = false;
  stream.on('error', ({ code = 'unknown error' }: NodeJS.ErrnoException) => {
    if (broken) return;
    broken = true;
    onTrouble({ readerGone: READER_GONE.has(code), code });
  });
  return {
    isTerminal: stream.isTTY === true,
    write(text) {
      if (!broken) stream.write(text);
    },
    size: () => ({ columns: stream.columns ?? NO_WINDOW.columns, rows: stream.rows ?? NO_WINDOW.rows }),
    async flush() {
      if (!broken) await new Promise<void>((resolve) => stream.write('', () => resolve()));
      // A failed write is told in a later turn than its callback.
      await new Promise<void>((resolve) => setImmediate(resolve));
    },
  };
}
