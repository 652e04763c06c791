import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { locales } from '../../../../checks/texts/locale.ts';
import type { LocalApiClient } from '../../../../contracts/local-link/connect.ts';
import { LinkFault } from '../../../../contracts/local-link/link-fault.ts';
import { start } from './fake-place.ts';
import { blockedRun } from './sample-run.ts';
import { answering, closedGate, enforcer, snapshot, telling } from './sample-snapshot.ts';

const check = ['check', '--instance', 'acme', '--region', 'us-west-2', '--no-color'];
const user = { uid: 61_000 };
const enforcers = [enforcer('confirmed')];

it('shows a user what the daemon found instead of a check that would see the gate', async () => {
  const { code, out, request } = await start(check, { daemon: telling({ enforcers }), place: user });
  const status = await start(['status', '--no-color'], { daemon: telling({ enforcers }) });
  expect([code, request]).toEqual([status.code, null]);
  expect(out).toBe(
    ' The gate is closed for your programs too: a check that you run would see the\n gate and not the network. This is what the daemon found:\n\n' +
      status.out,
  );
});

it.each([['--json'], ['--ndjson'], ['--junit', '-'], ['--junit', path.join(tmpdir(), 'never-written.xml')]])(
  'makes nothing up for %s',
  async (...output) => {
    const { code, out, err, request } = await start([...check, ...output], { daemon: telling({ enforcers }), place: user });
    expect([code, out, request]).toEqual([75, '', null]);
    expect(err).toMatch(/^deskwarden: the gate is closed for your programs too.*\n$/);
  },
);

it('wrong usage is told first', async () => {
  expect(await start(['check'], { daemon: telling({ enforcers }), place: user })).toMatchObject({ code: 2, out: '' });
});

it.each([
  ['open', { ...closedGate, state: 'open' as const, wouldBe: 'open' as const }],
  ['draining', { ...closedGate, state: 'draining' as const, wouldBe: 'draining' as const }],
  ['only said to be closed', { ...closedGate, state: 'open' as const, acting: false, notActingBecause: 'observe' as const }],
])('runs while the gate is %s', async (_, gate) => {
  const { code, request } = await start(check, { document: blockedRun, daemon: telling({ gate }), place: user });
  expect([code, request === null]).toEqual([1, false]);
});

it('runs for root, who asks no daemon, and where none answers', async () => {
  expect(await start(check)).toMatchObject({ code: 0 });
  for (const fault of ['no-daemon', 'not-the-daemon', 'timed-out'] as const) {
    const daemon = { connectDaemon: () => Promise.reject(new LinkFault(fault, '')) };
    expect((await start(check, { daemon, place: user })).code).toBe(0);
  }
  const busy = { snapshot: async () => ({ ok: false as const, error: { code: 'busy' as const, detail: '' } }) };
  expect((await start(check, { daemon: answering(busy), place: user })).code).toBe(0);
});

it('does not blame the network for a gate that closed during the check', async () => {
  let asked = 0;
  let closed = 0;
  const connectDaemon = async () =>
    ({
      snapshot: async () => ({
        ok: true,
        value: asked++ === 0 ? { ...snapshot, gate: { ...closedGate, state: 'open', wouldBe: 'open' } } : snapshot,
      }),
      close: () => void closed++,
    }) as Partial<LocalApiClient> as LocalApiClient;
  const { out, request } = await start(check, { document: blockedRun, daemon: { connectDaemon }, place: user });
  expect([request === null, asked, closed]).toEqual([false, 2, 2]);
  expect(out).toContain('This is what the daemon found:');
});

it.each(locales)('speaks %s', async (lang) => {
  const { out } = await start([...check, '--lang', lang], { daemon: telling({ enforcers }), place: user });
  expect(out.startsWith(' The gate is closed')).toBe(lang === 'en');
});
