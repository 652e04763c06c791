// A scripted daemon in a process of its own, which can be killed. Obeys lines on standard input: `clear` or `blocked`.
// Usage: node --import tsx test/e2e/tray/daemon-process.ts DIRECTORY
import { createInterface } from 'node:readline';
import { blocked, clear } from './desk-told.ts';
import { scriptDaemon } from './scripted-daemon.ts';

const [dir = ''] = process.argv.slice(2);
const daemon = scriptDaemon(dir);
daemon.say(clear());
await daemon.start();
console.log('listening');
createInterface({ input: process.stdin }).on('line', (line) => daemon.say(line === 'blocked' ? blocked() : clear()));
