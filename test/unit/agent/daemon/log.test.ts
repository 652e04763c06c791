import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DaemonEvent } from '../../../../agent/daemon/daemon-event.ts';
import { createLog } from '../../../../agent/daemon/log.ts';
import { repoRoot } from '../../../../build/repo.ts';

let top: string;
let dir: string;
let out: string[];
beforeEach(() => {
  top = mkdtempSync(path.join(tmpdir(), 'deskwarden-log-'));
  dir = path.join(top, 'log');
  out = [];
});
afterEach(() => rmSync(top, { recursive: true, force: true }));

const open = (over: { dir?: string; monotonicMs?: () => number } = {}) =>
  createLog({ dir, write: (line) => out.push(line), wallMs: () => Date.UTC(2026, 0, 2, 3, 4, 5, 6), ...over });

const fault = (detail: string): DaemonEvent => ({ event: 'fault', what: 'test', detail });
const kept = () => readFileSync(path.join(dir, 'deskwarden.log'), 'utf8');

it('writes one line of JSON for an event, the same to standard output and to disk', async () => {
  const log = open();
  log.event({ event: 'verdict', standing: 'blocked', causes: ['network.turn-udp'] });
  log.event(fault('gone'));
  await log.close();
  expect(out.map((line) => JSON.parse(line))).toEqual([
    { level: 'info', at: '2026-01-02T03:04:05.006Z', event: 'verdict', standing: 'blocked', causes: ['network.turn-udp'] },
    { level: 'warn', at: '2026-01-02T03:04:05.006Z', event: 'fault', what: 'test', detail: 'gone' },
  ]);
  expect(kept()).toBe(out.join(''));
  expect(out.every((line) => line.endsWith('}\n') && line.indexOf('\n') === line.length - 1)).toBe(true);
});

it('lets only the owner read what it keeps, and mends a file that others could read', async () => {
  const log = open();
  log.event(fault('a'));
  await log.close();
  expect(statSync(dir).mode & 0o777).toBe(0o700);
  execFileSync('/bin/chmod', ['0644', path.join(dir, 'deskwarden.log')]);
  const again = open();
  again.event(fault('b'));
  await again.close();
  expect(statSync(path.join(dir, 'deskwarden.log')).mode & 0o777).toBe(0o600);
  expect(kept().trimEnd().split('\n')).toHaveLength(2);
});

it('keeps five files of 1 MiB and drops the oldest lines only', async () => {
  const log = open();
  const filler = 'x'.repeat(1_900);
  for (let n = 0; n < 4_000; n += 1) log.event(fault(`${n} ${filler}`));
  await log.close();
  const names = ['deskwarden.4.log', 'deskwarden.3.log', 'deskwarden.2.log', 'deskwarden.1.log', 'deskwarden.log'];
  expect(readdirSync(dir).sort()).toEqual([...names].sort());
  for (const name of names) expect(statSync(path.join(dir, name)).size).toBeLessThanOrEqual(1_048_576);
  const numbers = names.flatMap((name) =>
    readFileSync(path.join(dir, name), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => Number.parseInt(JSON.parse(line).detail, 10)),
  );
  expect(numbers.at(-1)).toBe(3_999);
  expect(numbers).toEqual(numbers.map((_, index) => (numbers[0] ?? 0) + index));
  expect(numbers.length).toBeGreaterThan(2_000);
});

it('tells no secret, wherever one got in', async () => {
  const log = open();
  const hidden = {
    event: 'fault' as const,
    what: 'x',
    detail: 'ticket dw1.c2VjcmV0.abc123 used',
    ticket: 'plain',
    nested: { token: 'plain' },
  };
  log.event(hidden);
  log.event(fault('-----BEGIN PRIVATE KEY-----\nplain\n-----END PRIVATE KEY-----'));
  await log.close();
  expect(out.join('')).not.toMatch(/plain|c2VjcmV0/);
  expect(out.join('').match(/\[redacted\]/g)).toHaveLength(4);
});

it('tells why an enforcer could not do all of it', async () => {
  const log = open();
  const notes = [{ code: 'changed-by-other' as const, detail: 'table inet deskwarden' }];
  const targets = [{ target: 'tcp-443', state: 'confirmed' as const, notes }];
  log.event({ event: 'enforcers', enforcers: [{ enforcer: 'egress', wanted: 'closed', state: 'confirmed', targets }] });
  await log.close();
  expect(JSON.parse(out[0] ?? '').enforcers[0].targets).toEqual(targets);
});

it('lets nobody move the cursor of a terminal, or fill the ring with one answer', async () => {
  const log = open();
  log.event(fault(`a\u001b[2Jb\u009bc\u202ed ${'y'.repeat(100_000)}`));
  await log.close();
  for (const char of '\u001b\u009b\u202e') expect(out[0]).not.toContain(char);
  expect(out[0]?.length).toBeLessThan(2_300);
  expect(JSON.parse(out[0] ?? '').detail).toContain('a\u001b[2Jb\u009bc\u202ed');
});

it('ends a line that a crash has cut, so that the next one can be read', async () => {
  const log = open();
  log.event(fault('a'));
  await log.close();
  writeFileSync(path.join(dir, 'deskwarden.log'), '{"event":"cu', { flag: 'a' });
  const again = open();
  again.event(fault('b'));
  await again.close();
  expect(JSON.parse(kept().trimEnd().split('\n').at(-1) ?? '')).toMatchObject({ detail: 'b' });
});

it('goes on without a disk, says so once, and keeps lines again when there is one', async () => {
  writeFileSync(dir, 'in the way');
  let nowMs = 0;
  const log = open({ monotonicMs: () => nowMs });
  log.event(fault('a'));
  log.event(fault('b'));
  nowMs += 60_001;
  log.event(fault('c'));
  const told = () => out.map((line) => JSON.parse(line)).filter(({ what }) => what === 'log not kept');
  expect(told()).toMatchObject([{ event: 'fault', level: 'warn' }]);
  expect(out).toHaveLength(4);
  rmSync(dir);
  nowMs += 60_001;
  log.event(fault('d'));
  await log.close();
  expect(told()).toHaveLength(1);
  expect(JSON.parse(kept())).toMatchObject({ detail: 'd' });
});

it('follows no link, and writes to no directory that others can write to', async () => {
  const victim = path.join(top, 'victim');
  writeFileSync(victim, '');
  const log = open();
  log.event(fault('a'));
  await log.close();
  rmSync(path.join(dir, 'deskwarden.log'));
  execFileSync('/bin/ln', ['-s', victim, path.join(dir, 'deskwarden.log')]);
  const linked = open();
  linked.event(fault('b'));
  await linked.close();
  expect(readFileSync(victim, 'utf8')).toBe('');
  rmSync(path.join(dir, 'deskwarden.log'));
  execFileSync('/bin/chmod', ['0777', dir]);
  const loose = open();
  loose.event(fault('c'));
  await loose.close();
  expect(existsSync(path.join(dir, 'deskwarden.log'))).toBe(false);
});

const unshare = '/usr/bin/unshare';
const whyNot = process.getuid?.() !== 0 || !existsSync(unshare) ? 'needs root and unshare for a small disk of its own' : null;

describe.skipIf(whyNot !== null)(`a full disk${whyNot ? `: ${whyNot}` : ''}`, () => {
  it('stops nothing, and loses whole lines only', () => {
    const program = path.join(top, 'fill.mts');
    const module = path.join(repoRoot, 'agent', 'daemon', 'log.ts');
    writeFileSync(
      program,
      `import { readFileSync } from 'node:fs';
       import { createLog } from ${JSON.stringify(module)};
       let nowMs = 0;
       const log = createLog({ dir: ${JSON.stringify(dir)}, write: (line) => { if (line.includes('log not kept')) console.log('told'); }, monotonicMs: () => nowMs });
       for (let n = 0; n < 300; n += 1) { nowMs += 40_000; log.event({ event: 'fault', what: 'fill', detail: 'z'.repeat(1_000) }); }
       await log.close();
       const lines = readFileSync(${JSON.stringify(path.join(dir, 'deskwarden.log'))}, 'utf8').split('\\n').filter(Boolean);
       console.log(lines.filter((line) => { try { JSON.parse(line); return false; } catch { return true; } }).length, lines.length > 20);`,
    );
    execFileSync('/bin/mkdir', ['-m', '0700', dir]);
    const tsx = path.join(repoRoot, 'node_modules', 'tsx', 'dist', 'loader.mjs');
    const script = 'mount -t tmpfs -o size=65536,mode=0700 none "$1" && shift && exec "$@"';
    const argv = ['--mount', '--', '/bin/sh', '-c', script, 'sh', dir, process.execPath, '--import', tsx, program];
    const told = execFileSync(unshare, argv, { encoding: 'utf8', timeout: 20_000 });
    // At most the one line that the disk had no room for is cut.
    expect(told).toMatch(/^told\n[01] true\n$/);
  });
});
