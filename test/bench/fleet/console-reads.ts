import { Agent, request } from 'node:https';
import { performance } from 'node:perf_hooks';
import type { Row } from '../measure.ts';
import type { BenchTenant } from './bench-tenant.ts';

const BUDGET_MS = 150;
const CALLS = 40;

/** Through the API as a browser makes its calls: one after the other, over one connection, with a session. */
export async function measureReads(port: number, ca: string, { admin, supervisor, sites }: BenchTenant, desks: number): Promise<Row[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ca });
  const get = (path: string, cookie: string) => read(agent, port, path, cookie);
  const { next } = JSON.parse(await get('/api/v1/desks?limit=200', admin)) as { next: string | null };
  const calls: [what: string, path: string, cookie: string][] = [
    ['floor, all desks', '/api/v1/floor', admin],
    ['floor, of a supervisor', '/api/v1/floor', supervisor],
    ['list, worst first', '/api/v1/desks', admin],
    ...(next === null ? [] : [['list, after 200', `/api/v1/desks?after=${next}`, admin] as [string, string, string]]),
    ['list, blocked', '/api/v1/desks?standing=blocked', admin],
    ['list, silent', '/api/v1/desks?standing=silent', admin],
    ['list, a group', `/api/v1/desks?group=${sites[3] ?? ''}`, admin],
    ['list, a tag', '/api/v1/desks?tagKey=Dept&tagValue=Claims', admin],
    ['list, a tag nobody has', '/api/v1/desks?tagKey=Dept&tagValue=None', admin],
    ['list, a rule', '/api/v1/desks?rule=turn-udp', admin],
    ['list, a rule nobody breaks', '/api/v1/desks?rule=no-such-rule', admin],
    ['list, of a supervisor', '/api/v1/desks', supervisor],
  ];
  const rows: Row[] = [];
  for (const [what, path, cookie] of calls) {
    const took: number[] = [];
    for (let call = 0; call < CALLS; call++) {
      const started = performance.now();
      await get(path, cookie);
      took.push(performance.now() - started);
    }
    took.sort((a, b) => a - b);
    const [p50 = Number.NaN, p95 = Number.NaN] = [took[Math.floor(CALLS * 0.5)], took[Math.floor(CALLS * 0.95)]];
    const measured = `p50 ${p50.toFixed(0)} ms, p95 ${p95.toFixed(0)} ms`;
    rows.push({ what: `${what} (${desks} desks)`, measured, baseline: '-', budget: `p95 < ${BUDGET_MS} ms`, met: p95 < BUDGET_MS });
  }
  agent.destroy();
  return rows;
}

export function call(options: {
  agent: Agent;
  port: number;
  method: string;
  path: string;
  cookie: string;
  body?: unknown;
}): Promise<string> {
  const { agent, port, method, path, cookie, body } = options;
  const payload = body === undefined ? undefined : JSON.stringify(body);
  const headers = { cookie, 'x-deskwarden': '1', ...(payload !== undefined && { 'content-type': 'application/json' }) };
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, method, path, agent, headers }, (answer) => {
      const pieces: Buffer[] = [];
      answer.on('data', (piece: Buffer) => pieces.push(piece));
      answer.on('end', () => {
        const text = Buffer.concat(pieces).toString('utf8');
        if ((answer.statusCode ?? 0) < 300) resolve(text);
        else reject(new Error(`${method} ${path}: ${answer.statusCode} ${text}`));
      });
    });
    asked.on('error', reject);
    asked.end(payload);
  });
}

function read(agent: Agent, port: number, path: string, cookie: string): Promise<string> {
  return call({ agent, port, method: 'GET', path, cookie });
}
