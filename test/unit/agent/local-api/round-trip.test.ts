import { generateKeyPairSync } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CheckId } from '../../../../contracts/finding.ts';
import type { Progress } from '../../../../contracts/progress.ts';
import { daemonKeys, gate, goodHandlers, NOW, OWN_UID, type Stage, snapshot, snapshotOf, stageLocalApi, verdict } from './staged-api.ts';

let stage: Stage;
beforeEach(async () => {
  stage = await stageLocalApi();
});
afterEach(() => stage.close());

const check = 'softphone.audio-devices' as CheckId;

describe('every call', () => {
  it('reaches its handler and comes back', async () => {
    const asked: unknown[] = [];
    const note = (name: string) => async (request: unknown) => {
      asked.push([name, request]);
      return { ok: true as const, value: undefined };
    };
    const history = {
      quality: [],
      standings: [{ at: NOW, standing: 'blocked' as const, causes: [check] }],
      watched: [{ from: NOW, to: NOW }],
    };
    const { client } = await stage.listen({
      handlers: (uid) => ({
        snapshot: async () => ({ ok: true, value: snapshotOf(`uid-${uid}`) }),
        history: async () => ({ ok: true, value: history }),
        recheck: note('recheck'),
        submitEvidence: note('submitEvidence'),
        acknowledgeWindow: note('acknowledgeWindow'),
        reportActivity: note('reportActivity'),
        release: async ({ code }) => {
          asked.push(['release', code]);
          return { ok: true as const, value: { until: NOW } };
        },
      }),
    });
    const api = await client();
    expect(await api.snapshot()).toEqual({ ok: true, value: snapshotOf(`uid-${OWN_UID}`) });
    expect(await api.history()).toEqual({ ok: true, value: history });
    expect(await api.recheck({})).toEqual({ ok: true, value: undefined });
    expect(await api.recheck({ check })).toEqual({ ok: true, value: undefined });
    expect(await api.submitEvidence({ check, reading: { seen: true, evidence: { devices: [] } } })).toEqual({ ok: true, value: undefined });
    expect(await api.acknowledgeWindow({ applied: 'closed', at: NOW })).toEqual({ ok: true, value: undefined });
    expect(await api.reportActivity({ says: 'on-call' })).toEqual({ ok: true, value: undefined });
    expect(await api.release({ code: '12345678' })).toEqual({ ok: true, value: { until: NOW } });
    expect(asked).toEqual([
      ['recheck', {}],
      ['recheck', { check }],
      ['submitEvidence', { check, reading: { seen: true, evidence: { devices: [] } } }],
      ['acknowledgeWindow', { applied: 'closed', at: NOW }],
      ['reportActivity', { says: 'on-call' }],
      ['release', '12345678'],
    ]);
  });

  it('gives its faults as codes', async () => {
    const { client } = await stage.listen({
      handlers: () => ({ ...goodHandlers, recheck: async () => ({ ok: false, error: { code: 'too-soon', detail: '20 s' } }) }),
    });
    expect(await (await client()).recheck({})).toEqual({ ok: false, error: { code: 'too-soon', detail: '20 s' } });
  });

  it('is answered in any order', async () => {
    let release: () => void = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { client } = await stage.listen({
      handlers: () => ({
        ...goodHandlers,
        snapshot: async () => {
          await released;
          return { ok: true, value: snapshot };
        },
      }),
    });
    const api = await client();
    const order: string[] = [];
    const slow = api.snapshot().then(() => order.push('snapshot'));
    await api.recheck({}).then(() => order.push('recheck'));
    release();
    await slow;
    expect(order).toEqual(['recheck', 'snapshot']);
  });

  it('takes no request that the daemon would not read', async () => {
    const { client, faults } = await stage.listen();
    const api = await client();
    expect(await api.submitEvidence({ check, reading: { seen: true, evidence: 'x'.repeat(70_000) } })).toMatchObject({
      ok: false,
      error: { code: 'bad-request' },
    });
    expect(await api.submitEvidence({ check, reading: { seen: true, evidence: 1n } })).toMatchObject({
      ok: false,
      error: { code: 'bad-request' },
    });
    expect(await api.submitEvidence({ check, reading: { seen: true, evidence: 'x'.repeat(20_000) } })).toMatchObject({
      ok: false,
      error: { code: 'bad-request' },
    });
    expect(await api.recheck({})).toMatchObject({ ok: true });
    expect(faults).toEqual([]);
  });
});

describe('a handler that', () => {
  it.each([
    [
      'throws',
      async () => {
        throw new Error('with /a/path');
      },
      'handler-threw',
    ],
    ['hangs', () => new Promise<never>(() => {}), 'handler-hung'],
    ['gives nothing', async () => undefined as never, null],
    ['gives what is no JSON', async () => ({ ok: true, value: { big: 1n } }) as never, 'answer-too-large'],
    ['gives more than a frame', async () => ({ ok: true, value: 'x'.repeat(1024 * 1024) }) as never, 'answer-too-large'],
  ])('%s gives internal and nothing else', async (_name, handler, code) => {
    const { client, faults } = await stage.listen({
      handlers: () => ({ ...goodHandlers, snapshot: handler }),
      limits: { callMs: 80 },
    });
    const api = await client();
    const result = await api.snapshot();
    expect(result).toMatchObject({ ok: false, error: { code: 'internal' } });
    expect(JSON.stringify(result)).not.toContain('/a/path');
    expect(faults.map((fault) => fault.code)).toEqual(code === null ? [] : [code]);
    expect(await api.recheck({})).toMatchObject({ ok: true });
  });
});

describe('every event', () => {
  it('reaches every client, and who stops listening hears no more', async () => {
    const { api, client } = await stage.listen();
    const clients = [await client(), await client()];
    const heard: unknown[][] = clients.map(() => []);
    const progress: Progress = { kind: 'started', rules: [], notRun: [] };
    const stops = clients.map((one, index) => {
      one.on('verdictChanged', (payload) => heard[index]?.push(payload));
      one.on('progress', (payload) => heard[index]?.push(payload));
      return one.on('gateChanged', (payload) => heard[index]?.push(payload));
    });
    api.broadcast('verdictChanged', verdict);
    api.broadcast('gateChanged', gate);
    api.broadcast('progress', progress);
    await Promise.all(clients.map((one) => one.snapshot()));
    expect(heard).toEqual([
      [verdict, gate, progress],
      [verdict, gate, progress],
    ]);
    stops[0]?.();
    api.broadcast('gateChanged', gate);
    await Promise.all(clients.map((one) => one.snapshot()));
    expect(heard.map((all) => all.length)).toEqual([3, 4]);
  });

  it('that is larger than a frame reaches nobody', async () => {
    const { api, client, faults } = await stage.listen();
    const one = await client();
    api.broadcast('verdictChanged', { ...verdict, policy: { id: 'x'.repeat(1024 * 1024), revision: 1 } });
    expect(await one.recheck({})).toMatchObject({ ok: true });
    expect(faults).toMatchObject([{ code: 'answer-too-large', uid: null }]);
  });
});

describe('the daemon', () => {
  it('is known by its key', async () => {
    const { client } = await stage.listen();
    const verified = await client({ verify: { key: daemonKeys.publicKey, uid: OWN_UID } });
    expect(await verified.recheck({})).toMatchObject({ ok: true });
  });

  it.each([
    ['with another key', { key: generateKeyPairSync('ed25519').publicKey, uid: OWN_UID }],
    ["on another user's socket", { key: daemonKeys.publicKey, uid: OWN_UID + 1 }],
  ])('%s is not the daemon', async (_name, verify) => {
    const { client } = await stage.listen();
    await expect(client({ verify })).rejects.toMatchObject({ code: 'not-the-daemon' });
  });

  it('that goes ends its clients, which say so', async () => {
    const { api, client } = await stage.listen({
      handlers: () => ({ ...goodHandlers, snapshot: () => new Promise<never>(() => {}) }),
    });
    const one = await client();
    const pending = expect(one.snapshot()).rejects.toMatchObject({ code: 'closed' });
    await one.recheck({});
    await api.close();
    await pending;
    expect((await one.closed).code).toBe('closed');
    await expect(one.recheck({})).rejects.toMatchObject({ code: 'closed' });
    await expect(client()).rejects.toMatchObject({ code: 'no-daemon' });
  });
});

it('keeps a client that listens only, by its keep-alive', async () => {
  const { client, faults } = await stage.listen({ limits: { idleMs: 150 } });
  const one = await client({ deadlines: { connectMs: 1_000, helloMs: 1_000, callMs: 1_000, keepAliveMs: 40 } });
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(await one.recheck({})).toMatchObject({ ok: true });
  expect(faults).toEqual([]);
});
