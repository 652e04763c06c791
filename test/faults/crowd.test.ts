import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, it } from 'vitest';
import { repoRoot } from '../../build/repo.ts';
import { AGENT_UID, asAgent } from '../e2e/gate/enforced-desk.ts';
import { cannot, endedAs, faults, isFull } from './fault.ts';
import { type FaultDesk, rssOf, withFaultDesk } from './fault-desk.ts';

const TEST_MS = 120_000;
const CLIENTS = 1_000;
const WATCHED_MS = isFull ? 20_000 : 2_000;
const SERVED_WITHIN_MS = 3_000;
const MOST_GROWN_BYTES = 60 * 1024 * 1024;
const crowdPath = path.join(repoRoot, 'test', 'unit', 'agent', 'local-api', 'crowd-of-clients.ts');

/** A frame that claims 100 MB, and all of them behind it; prints how many bytes were taken. */
const flood = `
const socket = require('node:net').connect(process.argv[1]);
const part = Buffer.alloc(1 << 20);
let left = 100;
const head = Buffer.alloc(4);
head.writeUInt32BE(100 << 20);
socket.on('error', () => {});
socket.on('close', () => { console.log(socket.bytesWritten); process.exit(); });
socket.write(head);
const more = () => { while (left-- > 0) if (!socket.write(part)) return socket.once('drain', more); };
more();
`;

/** How long root waits for an answer at the worst, in ms. */
async function slowestAnswer(desk: FaultDesk, forMs: number): Promise<number> {
  let slowestMs = 0;
  for (const endMs = performance.now() + forMs; performance.now() < endMs; await delay(200)) {
    const askedMs = performance.now();
    await desk.snapshot();
    slowestMs = Math.max(slowestMs, performance.now() - askedMs);
  }
  return slowestMs;
}

describe.skipIf(cannot)(faults('a crowd at the local API'), () => {
  it('1,000 clients at once, garbage, and messages of 100 MB', { timeout: TEST_MS }, async (context) => {
    const { expect } = context;
    await withFaultDesk(async (desk) => {
      const daemon = await desk.startClear();
      const socketPath = path.join(desk.lab.dir, 'run', String(AGENT_UID), 'api.sock');
      const rss = await rssOf(daemon);
      const ended = [];
      for (const manner of ['silent', 'calling', 'garbage']) {
        const [file = '', ...rest] = asAgent([process.execPath, '--import', 'tsx', crowdPath, socketPath, String(CLIENTS), manner, '0']);
        const crowd = spawn(file, rest, { cwd: repoRoot, stdio: ['pipe', 'ignore', 'inherit'] });
        const slowestMs = await slowestAnswer(desk, WATCHED_MS);
        crowd.kill('SIGKILL');
        await once(crowd, 'exit');
        expect(slowestMs, manner).toBeLessThan(SERVED_WITHIN_MS);
        ended.push(`${manner}: ${Math.round(slowestMs)} ms`);
      }
      const floods = Array.from({ length: 5 }, () => desk.exec(asAgent([process.execPath, '-e', flood, socketPath])));
      const slowestMs = await slowestAnswer(desk, WATCHED_MS);
      for (const { stdout } of await Promise.all(floods)) expect(Number(stdout)).toBeLessThan(100 << 20);
      expect(slowestMs).toBeLessThan(SERVED_WITHIN_MS);
      const grownBytes = (await rssOf(daemon)) - rss;
      expect(grownBytes).toBeLessThan(MOST_GROWN_BYTES);
      await desk.breakCanary();
      await desk.shut();
      await daemon.stop();
      endedAs(
        context,
        `as the agent, ${CLIENTS} each silent, calling, garbage; 5 × 100 MB`,
        `root answered within ${ended.join(', ')}, flood: ${Math.round(slowestMs)} ms; ${(grownBytes / 1_048_576).toFixed(0)} MB more; closes as decided`,
      );
    });
  });
});
