import type { Socket } from 'node:net';
import type { Fault } from '../../contracts/fault.ts';
import { MAX_DAEMON_FRAME_BYTES } from '../../contracts/local-api.ts';
import { writeMessage } from '../../contracts/local-link/message.ts';

export interface Farewell {
  /** Tells why, and ends the connection: the other side may read the reason, we read nothing any more. */
  say(socket: Socket, why: Fault): void;
}

/** @param lingering how many may be read at the same time; beyond, connections are cut without a word */
export function createFarewell(lingerMs: number, lingering: number): Farewell {
  let open = 0;
  return {
    say(socket, why) {
      const frame = writeMessage({ type: 'closing', error: why }, MAX_DAEMON_FRAME_BYTES);
      if (open >= lingering || frame === null) {
        socket.destroy();
        return;
      }
      open += 1;
      // Cutting at once would show a client that is still writing a broken pipe instead of the reason.
      const timer = setTimeout(() => socket.destroy(), lingerMs);
      socket.once('close', () => {
        clearTimeout(timer);
        open -= 1;
      });
      socket.removeAllListeners('data');
      socket.pause();
      socket.end(frame);
    },
  };
}
