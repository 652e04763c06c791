import { EventEmitter } from 'node:events';
import { decode, encode } from './codec.ts';

/** Loaded first in a utility process. */
const parentPort = Object.assign(new EventEmitter(), {
  postMessage: (message: unknown) => void process.send?.(encode(message)),
  start: () => {},
});
process.on('message', (message) => parentPort.emit('message', { data: decode(message), ports: [] }));
Object.assign(process, { parentPort, type: 'utility' });
