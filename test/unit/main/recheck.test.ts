import { expect, it } from 'vitest';
import type { CheckId } from '../../../contracts/finding.ts';
import type { DaemonLink, DeskView } from '../../../contracts/ipc.ts';
import { recheckAll } from '../../../main/recheck.ts';
import { snapshot } from '../agent/local-api/staged-api.ts';

const ofSession = 'softphone.audio-devices' as CheckId;
const ofDaemon = 'network.dns' as CheckId;

function stage(link: DaemonLink = 'connected', isFree = true) {
  const asked: string[] = [];
  const session = { ...snapshot.session, rules: [{ id: 'audio' as never, check: ofSession, params: {}, everyMs: 60_000 }] };
  const desk = {
    view: () => ({ link, snapshot: { ...snapshot, session } }) as unknown as DeskView,
    recheck: async (check?: CheckId) => {
      asked.push(`daemon ${check ?? 'all'}`);
      return { ok: true as const, value: undefined };
    },
  };
  const probes = {
    recheck: (check?: CheckId) => {
      asked.push(`session ${check ?? 'all'}`);
      return isFree;
    },
  };
  return { ask: (check?: CheckId) => recheckAll(desk, probes, check), asked };
}

it('each looks at what it can', async () => {
  const { ask, asked } = stage();
  expect(await ask(ofSession)).toEqual({ ok: true, value: undefined });
  expect(await ask(ofDaemon)).toEqual({ ok: true, value: undefined });
  expect(await ask()).toEqual({ ok: true, value: undefined });
  expect(asked).toEqual([`session ${ofSession}`, `daemon ${ofDaemon}`, 'session all', 'daemon all']);
});

it('nothing is looked at in the session that nobody would be told', async () => {
  const { ask, asked } = stage('reconnecting');
  expect(await ask(ofSession)).toMatchObject({ ok: false, error: { code: 'no-daemon' } });
  expect(asked).toEqual([]);
});

it('or that has just been looked at', async () => {
  expect(await stage('connected', false).ask(ofSession)).toMatchObject({ ok: false, error: { code: 'too-soon', retryInMs: 5_000 } });
});
