import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Ended, Enrol, EnrolledDesk, Order, Told } from './desks-process.ts';
import type { Made } from './restless-desk.ts';

/** Desks in a process of their own, and what they said of their reports. */
export interface ReportingDesks {
  desks: readonly EnrolledDesk[];
  made: readonly Made[];
  ended: readonly Ended[];
  /** How heartbeats ended. */
  heard: readonly string[];
  /** Ids of what was acknowledged, with repetitions if there were any. */
  acknowledged(): string[];
  go(): void;
  /** Resolves once so many more reports are acknowledged. */
  more(count: number): Promise<void>;
  /** Resolves once every report that was made is acknowledged. */
  finish(): Promise<void>;
  close(): Promise<void>;
}

const program = fileURLToPath(new URL('desks-process.ts', import.meta.url));
/** A server that recovers its database, on a machine that does much else. */
const WITHIN_MS = 120_000;

export async function startDesks(order: Enrol): Promise<ReportingDesks> {
  const child = fork(program, { execArgv: ['--import', 'tsx'] });
  const over = once(child, 'exit');
  const made: Made[] = [];
  const ended: Ended[] = [];
  const heard: string[] = [];
  const acknowledged: string[] = [];
  let finished = true;
  const enrolled = new Promise<EnrolledDesk[]>((resolve, reject) => {
    child.on('message', (told: Told) => {
      if ('made' in told) made.push(told.made);
      else if ('ended' in told) {
        ended.push(told.ended);
        if (told.ended.how === 'stored') acknowledged.push(told.ended.id);
      } else if ('heard' in told) heard.push(told.heard);
      else if ('finished' in told) finished = true;
      else resolve(told.enrolled);
    });
    child.once('exit', (code) => reject(new Error(`the desks ended with ${code}`)));
  });
  const send = (what: Order) => child.send(what);
  send({ enrol: order });

  async function until(what: string, holds: () => boolean): Promise<void> {
    const startedAt = performance.now();
    while (!holds()) {
      if (performance.now() - startedAt > WITHIN_MS) {
        throw new Error(`not within ${WITHIN_MS} ms: ${what}; last ${JSON.stringify(ended.slice(-3))}`);
      }
      await delay(10);
    }
  }

  const desks = await enrolled;
  return {
    ...{ desks, made, ended, heard },
    acknowledged: () => acknowledged,
    go() {
      finished = false;
      send({ go: true });
    },
    async more(count) {
      const before = acknowledged.length;
      await until(`${count} more reports are acknowledged`, () => acknowledged.length >= before + count);
    },
    async finish() {
      send({ finish: true });
      await until('every report is acknowledged', () => finished);
    },
    async close() {
      if (child.connected) child.disconnect();
      await over;
    },
  };
}
