import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { chmod, chown, mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CheckId } from '../../../../contracts/finding.ts';
import type { DeskView } from '../../../../contracts/ipc.ts';
import { DeskView as ViewSchema } from '../../../../contracts/ipc.ts';
import type { Snapshot } from '../../../../contracts/local-api.ts';
import type { LocalApiClient } from '../../../../contracts/local-link/connect.ts';
import type { Progress } from '../../../../contracts/progress.ts';
import { connectDaemon } from '../../../../main/desk/connect-daemon.ts';
import { createDesk } from '../../../../main/desk/create-desk.ts';
import type { DeskOfMain } from '../../../../main/desk/desk.ts';
import { watchForDaemon } from '../../../../main/desk/watch-for-daemon.ts';
import {
  daemonKeys,
  gate,
  goodHandlers,
  NOW,
  OWN_UID,
  type Stage,
  snapshot,
  snapshotOf,
  stageLocalApi,
  until,
  verdict,
} from '../../agent/local-api/staged-api.ts';
import { settlingAfter } from '../settling-after.ts';

const check = 'network.turn-udp' as CheckId;

let stage: Stage;
const desks: DeskOfMain[] = [];
beforeEach(async () => {
  stage = await stageLocalApi();
  await mkdir(stage.dir, { mode: 0o755 });
});
afterEach(async () => {
  for (const desk of desks.splice(0)) desk.stop();
  await stage.close();
});

function publish(key: KeyObject = daemonKeys.publicKey): Promise<void> {
  return writeFile(path.join(stage.dir, 'daemon.pub'), key.export({ type: 'spki', format: 'pem' }), { mode: 0o644 });
}

interface Run {
  /** So large that no second attempt is made unless something is seen. */
  random?: () => number;
  callMs?: number;
  owners?: readonly number[];
}

function startDesk({ random = () => 0.5, callMs = 2_000, owners = [0, OWN_UID] }: Run = {}) {
  const views: DeskView[] = [];
  const troubles: string[] = [];
  const after = (ms: number, run: () => void) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  };
  const deadlines = { connectMs: 500, helloMs: 1_000, callMs, keepAliveMs: 10_000 };
  const desk = createDesk(
    {
      connect: () => connectDaemon({ runDir: stage.dir, uid: OWN_UID, owners, deadlines }, after),
      watchForDaemon: (onSign) => watchForDaemon(stage.dir, OWN_UID, onSign),
      after,
      monotonicMs: () => performance.now(),
      wallMs: () => Date.parse(NOW),
      random,
      onTrouble: (detail) => troubles.push(detail),
    },
    { app: { version: '0.1.0', platform: 'linux' }, locale: { choice: 'auto', inUse: 'en' } },
  );
  desks.push(desk);
  desk.onChange((view) => views.push(view));
  return { desk, views, troubles, links: () => [...new Set(views.map(({ link }) => link))] };
}

const never = () => 1_000_000;

describe('a desk', () => {
  it('shows what the daemon says', async () => {
    await publish();
    await stage.listen();
    const { desk, views } = startDesk();
    expect(desk.view()).toMatchObject({ link: 'connecting', snapshot: null, heardAt: null, ccp: 'not-open' });
    await until(() => desk.view().link === 'connected');
    expect(desk.view()).toMatchObject({ snapshot, heardAt: NOW, looking: [] });
    for (const view of views) expect(ViewSchema.safeParse(view).success).toBe(true);
  });

  it('finds a daemon that starts later, at once', async () => {
    const { desk } = startDesk({ random: never });
    await rm(stage.dir, { recursive: true });
    await until(() => desk.view().link !== 'connected');
    await mkdir(stage.dir, { mode: 0o755 });
    await publish();
    await stage.listen();
    await until(() => desk.view().link === 'connected', 3_000);
  });

  it('finds one that was restarted, and tells it again what it should know', async () => {
    await publish();
    const told: unknown[] = [];
    const handlers = () => ({
      ...goodHandlers,
      acknowledgeWindow: async (said: { applied: string }) => {
        told.push(said.applied);
        return { ok: true as const, value: undefined };
      },
      reportActivity: async (said: { says: string }) => {
        told.push(said.says);
        return { ok: true as const, value: undefined };
      },
    });
    const first = await stage.listen({ handlers });
    const { desk, links } = startDesk({ random: never });
    desk.acknowledgeWindow('open');
    await until(() => told.length === 1);
    desk.acknowledgeWindow('banner');
    desk.reportActivity('on-call');
    await until(() => told.length === 3);
    await first.api.close();
    await until(() => desk.view().link === 'reconnecting');
    expect(desk.view().snapshot).toEqual(snapshot);
    await stage.listen({ handlers: () => ({ ...handlers(), snapshot: async () => ({ ok: true, value: snapshotOf('other') }) }) });
    await until(() => desk.view().snapshot?.policy.id === 'other', 3_000);
    await until(() => told.length === 5);
    expect(told).toEqual(['open', 'banner', 'on-call', 'banner', 'on-call']);
    expect(links()).toEqual(['connected', 'reconnecting']);
  });

  it.each<[string, () => Promise<void>, string]>([
    ['with another key', () => publish(generateKeyPairSync('ed25519').publicKey), 'wrong signature'],
    ['whose key everybody may write', () => publish().then(() => chmod(path.join(stage.dir, 'daemon.pub'), 0o666)), 'written by others'],
    ['in a directory of a user', () => publish().then(() => giveAway(stage.dir)), 'belongs to uid'],
  ])('believes no listener %s', async (_name, prepare, trouble) => {
    await stage.listen();
    await prepare();
    // As released: root alone.
    const { desk, troubles } = startDesk({ owners: OWN_UID === 0 || trouble === 'belongs to uid' ? [0] : [0, OWN_UID] });
    await until(() => desk.view().link === 'not-the-daemon');
    expect(troubles[0]).toContain(trouble);
    expect(await desk.recheck()).toMatchObject({ ok: false, error: { code: 'no-daemon' } });
    expect(desk.view().snapshot).toBeNull();
  });

  it('says of a daemon that speaks another version that it is not ours', async () => {
    await publish();
    const newer = { ...snapshot, schema: 2 } as Snapshot;
    await stage.listen({ handlers: () => ({ ...goodHandlers, snapshot: async () => ({ ok: true, value: newer }) }) });
    const { desk, troubles } = startDesk();
    await until(() => desk.view().link === 'not-the-daemon');
    expect(troubles).toEqual(['bad-response: the answer to "snapshot" does not parse']);
  });

  it('keeps what it heard when the daemon is replaced by a stranger', async () => {
    await publish();
    const first = await stage.listen();
    const { desk } = startDesk();
    await until(() => desk.view().link === 'connected');
    await first.api.close();
    await stage.listen({ key: generateKeyPairSync('ed25519').privateKey });
    await until(() => desk.view().link === 'not-the-daemon');
    expect(desk.view().snapshot).toEqual(snapshot);
  });
});

describe('a daemon that hangs', () => {
  it('at first is tried again', async () => {
    await publish();
    let asked = 0;
    const hang = () => {
      asked += 1;
      return asked < 3 ? new Promise<never>(() => {}) : goodHandlers.snapshot();
    };
    await stage.listen({ handlers: () => ({ ...goodHandlers, snapshot: hang }) });
    const { desk } = startDesk({ callMs: 150 });
    await until(() => desk.view().link === 'connected');
    expect(asked).toBe(3);
  });

  it('later is connected to anew', async () => {
    await publish();
    let connections = 0;
    const snapshots = async () => {
      connections += 1;
      return { ok: true as const, value: snapshot };
    };
    await stage.listen({ handlers: () => ({ ...goodHandlers, snapshot: snapshots, recheck: () => new Promise<never>(() => {}) }) });
    const { desk, links } = startDesk({ callMs: 150 });
    await until(() => desk.view().link === 'connected');
    expect(await desk.recheck(check)).toMatchObject({
      ok: false,
      error: { code: 'no-daemon', detail: expect.stringContaining('timed-out') },
    });
    await until(() => desk.view().link === 'connected' && connections > 1);
    expect(links()).toEqual(['connected', 'reconnecting']);
  });
});

describe('events', () => {
  it('show at once, and are followed by few snapshots', async () => {
    await publish();
    let asked = 0;
    const { api } = await stage.listen({
      handlers: () => ({
        ...goodHandlers,
        snapshot: async () => {
          asked += 1;
          return { ok: true, value: snapshotOf(`nr-${asked}`) };
        },
      }),
    });
    const { desk } = startDesk();
    await until(() => desk.view().link === 'connected');
    const closed = { ...gate, state: 'closed' as const, acting: true };
    api.broadcast('gateChanged', closed);
    await until(() => desk.view().snapshot?.gate.state === 'closed');
    expect(desk.view().snapshot?.policy.id).toBe('nr-1');
    for (let index = 0; index < 100; index += 1) api.broadcast('verdictChanged', { ...verdict, standing: 'clear' });
    await until(() => desk.view().snapshot?.verdict?.standing === 'clear');
    await until(() => asked > 1);
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(asked).toBeLessThan(5);
  });

  it('tell what is looked at', async () => {
    await publish();
    const { api } = await stage.listen();
    const { desk } = startDesk();
    await until(() => desk.view().link === 'connected');
    api.broadcast('progress', { kind: 'started', rules: [{ rule: 'a' as never, check }], notRun: [] });
    await until(() => desk.view().looking.length > 0);
    expect(desk.view().looking).toEqual([check]);
    // Only the daemon knows what it looks at: a check that keeps its distance is asked for in vain.
    expect(await desk.recheck('device.firewall' as CheckId)).toEqual({ ok: true, value: undefined });
    expect(desk.view().looking).toEqual([check]);
  });
});

it('waits for no finding longer than a minute, however much else is looked at', async () => {
  const time = settlingAfter();
  let tell: (progress: Progress) => void = () => {};
  const client: Partial<LocalApiClient> = {
    snapshot: async () => ({ ok: true, value: snapshot }),
    on(name: string, listener: (told: never) => void) {
      if (name === 'progress') tell = listener as typeof tell;
      return () => {};
    },
    close: () => {},
    closed: new Promise(() => {}),
  };
  const desk = createDesk(
    {
      connect: async () => client as LocalApiClient,
      watchForDaemon: () => () => {},
      after: time.after,
      monotonicMs: time.nowMs,
      wallMs: time.nowMs,
      random: () => 0.5,
      onTrouble: () => {},
    },
    { app: { version: '0.1.0', platform: 'linux' }, locale: { choice: 'auto', inUse: 'en' } },
  );
  desks.push(desk);
  await time.advance(0);
  const begin = (name: string) => tell({ kind: 'started', rules: [{ rule: name as never, check: name as CheckId }], notRun: [] });
  begin('network.lost');
  for (const name of ['network.b', 'network.c', 'network.d']) {
    await time.advance(19_900);
    begin(name);
  }
  expect(desk.view().looking).toEqual(['network.lost', 'network.b', 'network.c', 'network.d']);
  await time.advance(300);
  expect(desk.view().looking).toEqual(['network.b', 'network.c', 'network.d']);
  await time.advance(60_000);
  expect(desk.view().looking).toEqual([]);
});

it('tells every listener of every view once and in order, also when one of them changes it', () => {
  const { desk } = startDesk();
  const told: string[] = [];
  desk.onChange(({ ccp }) => {
    if (ccp === 'banner') desk.showCcp('blocked');
  });
  desk.onChange((after, before) => {
    told.push(`${before.ccp} > ${after.ccp}`);
  });
  desk.showCcp('banner');
  expect(told).toEqual(['not-open > banner', 'banner > blocked']);
});

it('gives what the daemon answers, and hands on what probes saw', async () => {
  await publish();
  const seen: unknown[] = [];
  await stage.listen({
    handlers: () => ({
      ...goodHandlers,
      recheck: async () => ({ ok: false, error: { code: 'too-soon', detail: '3 s' } }),
      submitEvidence: async (said) => {
        seen.push(said);
        return { ok: true, value: undefined };
      },
    }),
  });
  const { desk } = startDesk();
  await until(() => desk.view().link === 'connected');
  expect(await desk.recheck()).toEqual({ ok: false, error: { code: 'too-soon', detail: '3 s' } });
  expect(desk.view().looking).toEqual([]);
  expect(await desk.release('12345678')).toEqual({ ok: true, value: { until: NOW } });
  expect(await desk.history()).toEqual({ ok: true, value: { quality: [], standings: [], watched: [] } });
  const readings = [
    { seen: false as const, cause: 'denied' as const, detail: '' },
    { seen: true as const, evidence: { devices: 2 } },
  ];
  for (const reading of readings) expect(await desk.submitEvidence(check, reading)).toEqual({ ok: true, value: undefined });
  expect(seen).toEqual(readings.map((reading) => ({ check, reading })));
});

async function giveAway(dir: string): Promise<void> {
  if (OWN_UID === 0) await chown(dir, 61_234, 61_234);
}
