import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const slowDeskPath = fileURLToPath(new URL('./slow-desk.ts', import.meta.url));

interface Ended {
  code: number | null;
  out: string;
  err: string;
  /** From the last signal to the end. */
  tookMs: number;
}

function launch(manner: string, argv: readonly string[], env: Record<string, string> = {}, stdout: 'pipe' | number = 'pipe'): ChildProcess {
  return spawn(process.execPath, ['--import', 'tsx', slowDeskPath, manner, ...argv], {
    stdio: ['ignore', stdout, 'pipe'],
    env: { ...process.env, ...env },
  });
}

/** Sends the signals one by one once the run has told something, and waits for the end. */
function end(child: ChildProcess, signals: readonly NodeJS.Signals[]): Promise<Ended> {
  return new Promise((resolve) => {
    let [out, err, signalledAt, told] = ['', '', 0, false];
    const tell = () => {
      if (told) return;
      told = true;
      for (const [index, signal] of signals.entries()) {
        setTimeout(
          () => {
            child.kill(signal);
            signalledAt = performance.now();
          },
          50 + index * 150,
        );
      }
    };
    child.stdout?.setEncoding('utf8').on('data', (text) => {
      out += text;
      tell();
    });
    child.stderr?.setEncoding('utf8').on('data', (text) => {
      err += text;
      tell();
    });
    child.on('close', (code) => resolve({ code, out, err, tookMs: performance.now() - signalledAt }));
  });
}

const check = ['check', '--instance', 'acme', '--region', 'us-west-2'];

describe.skipIf(process.platform === 'win32')('the process [Windows has no signals to send]', () => {
  // A busy machine may be late once, and not three times.
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('ends on %s without a verdict', { retry: 2 }, async (signal, code) => {
    const ended = await end(launch('polite', [...check, '--ndjson']), [signal]);
    expect(ended).toMatchObject({ code, err: '' });
    expect(ended.out).not.toContain('"verdict"');
    expect(ended.tookMs).toBeLessThan(900);
  });

  it('ends at once on the second Ctrl-C, whatever still runs', { retry: 2 }, async () => {
    const ended = await end(launch('deaf', check), ['SIGINT', 'SIGINT']);
    expect(ended).toMatchObject({ code: 130, out: '' });
    expect(ended.tookMs).toBeLessThan(700);
  });

  it('waits only a second for a run that does not end', async () => {
    const ended = await end(launch('deaf', check), ['SIGTERM']);
    expect(ended.code).toBe(143);
    expect(ended.tookMs).toBeLessThan(3_000);
  });

  it('tells an unexpected error in one line', async () => {
    const ended = await end(launch('broken', [...check, '--json'], { DESKWARDEN_DEBUG: '' }), []);
    expect(ended).toMatchObject({
      code: 70,
      out: '',
      err: 'deskwarden: internal error: TypeError: the impossible happened; DESKWARDEN_DEBUG=1 tells more\n',
    });
  });

  it('tells all of it when asked to', async () => {
    const ended = await end(launch('broken', [...check, '--json'], { DESKWARDEN_DEBUG: '1' }), []);
    expect(ended.code).toBe(70);
    expect(ended.err).toMatch(/\n {4}at /);
  });

  it.skipIf(!existsSync('/dev/full'))('tells that the disk is full [needs /dev/full]', async () => {
    const full = openSync('/dev/full', 'w');
    const ended = await end(launch('polite', ['check', '--list', '--json'], {}, full), []);
    closeSync(full);
    expect(ended).toMatchObject({ code: 74, err: 'deskwarden: cannot write standard output: the disk is full\n' });
  });

  it('ends quietly when its reader goes away', async () => {
    const child = launch('polite', [...check, '--ndjson']);
    child.stdout?.destroy();
    const ended = await end(child, []);
    expect(ended).toMatchObject({ code: 141, err: '' });
  });
});
