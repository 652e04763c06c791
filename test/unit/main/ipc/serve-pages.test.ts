import { describe, expect, it } from 'vitest';
import type { Handlers } from '../../../../contracts/call.ts';
import { callsOfPage, type DeskView, type Ipc, ipc, PageName } from '../../../../contracts/ipc.ts';
import type { Sender } from '../../../../main/ipc/sender-rule.ts';
import { servePages } from '../../../../main/ipc/serve-pages.ts';
import { tellViews } from '../../../../main/ipc/tell-views.ts';
import { settlingAfter } from '../settling-after.ts';

const view: DeskView = {
  link: 'connecting',
  snapshot: null,
  heardAt: null,
  looking: [],
  ccp: 'not-open',
  ccpTrouble: null,
  locale: { choice: 'auto', inUse: 'en' },
  app: { version: '0.1.0', platform: 'linux' },
};

const names = Object.keys(ipc).filter((name) => ipc[name as keyof Ipc].kind === 'call');

function senderOf(page: PageName): Sender {
  return { page, isTopFrame: true, url: `app://ui/${page}.html` };
}

function stage(answers: Partial<Handlers<Ipc>> = {}) {
  let nowMs = 0;
  let take: (sender: Sender, name: unknown, request: unknown) => Promise<unknown> = async () => 'nothing listens';
  const handled: string[] = [];
  const sent: [string, string, unknown][] = [];
  const refused: string[] = [];
  const scripted = Object.fromEntries(
    names.map((name) => [
      name,
      async (request: never) => {
        handled.push(name);
        const answer = answers[name as 'view'];
        if (!answer) throw new Error(`unscripted call: ${name}`);
        return answer(request);
      },
    ]),
  ) as Handlers<Ipc>;
  const pages = servePages({
    port: {
      onCall: (listener) => {
        take = listener;
      },
      send: (page, name, payload) => sent.push([page, name, payload]),
    },
    handlers: scripted,
    monotonicMs: () => nowMs,
    onRefused: (detail) => refused.push(detail),
  });
  const call = (sender: Sender, name: unknown, request?: unknown) => take(sender, name, request);
  const pass = (ms: number) => {
    nowMs += ms;
  };
  return { pages, call, handled, sent, refused, pass };
}

const done = async () => ({ ok: true as const, value: undefined });

describe('a call', () => {
  const everything = Object.fromEntries(names.map((name) => [name, done])) as unknown as Handlers<Ipc>;
  const valid: Record<string, unknown> = {
    recheck: {},
    setLocale: { choice: 'ko' },
    release: { code: '12345678' },
    probeDone: { task: 1, reading: { seen: false, cause: 'denied', detail: '' } },
  };

  it.each(PageName.options)('of the page %s reaches a handler exactly if its row has it', async (page) => {
    const { call, handled } = stage(everything);
    for (const name of names) await call(senderOf(page), name, valid[name]);
    expect(handled).toEqual(names.filter((name) => (callsOfPage[page] as readonly string[]).includes(name)));
  });

  it.each<[string, Partial<Sender>]>([
    ['a window that is not ours', { page: null }],
    ['a frame in our page', { isTopFrame: false }],
    ['a window that shows something else', { url: 'https://example.com/' }],
    ['a window that shows another page of ours', { url: 'app://ui/banner.html' }],
    ['a page whose address begins like ours', { url: 'app://ui/posture.html.example.com' }],
    ['a frame that is gone', { url: '' }],
  ])('of %s is refused', async (_name, change) => {
    const { call, handled, refused } = stage(everything);
    expect(await call({ ...senderOf('posture'), ...change }, 'view')).toMatchObject({ ok: false, error: { code: 'bad-request' } });
    expect([handled, refused.length]).toEqual([[], 1]);
  });

  it.each([['viewChanged'], ['toString'], ['__proto__'], ['x'.repeat(10_000)], [undefined], [{ name: 'view' }]])(
    'named %j is refused',
    async (name) => {
      const { call, handled } = stage(everything);
      const answer = (await call(senderOf('posture'), name)) as { error: { code: string; detail: string } };
      expect(answer.error.code).toBe('bad-request');
      expect(answer.error.detail.length).toBeLessThanOrEqual(500);
      expect(handled).toEqual([]);
    },
  );

  it('is parsed before it is handled', async () => {
    const { call, handled } = stage(everything);
    expect(await call(senderOf('posture'), 'recheck', { check: 'not a check' })).toMatchObject({ error: { code: 'bad-request' } });
    expect(await call(senderOf('posture'), 'recheck', { check: 'network.dns', force: true })).toMatchObject({
      error: { code: 'bad-request' },
    });
    expect(await call(senderOf('posture'), 'release', { code: '1' })).toMatchObject({ error: { code: 'bad-request' } });
    expect(handled).toEqual([]);
  });

  it('has an answer that is parsed too', async () => {
    const { call } = stage({ view: async () => ({ ok: true, value: { ...view, secret: 1 } as DeskView }), openCcp: done as never });
    expect(await call(senderOf('posture'), 'view')).toMatchObject({ ok: false, error: { code: 'internal' } });
    expect(await call(senderOf('posture'), 'openCcp')).toEqual({ ok: true, value: undefined });
  });

  it('gives only faults of its own, and nothing of what a handler throws', async () => {
    const { call } = stage({
      openCcp: async () => ({ ok: false, error: { code: 'wrong-code' as 'not-allowed', detail: '' } }),
      recheck: async () => ({ ok: false, error: { code: 'too-soon', detail: '3 s' } }),
      history: async () => {
        throw new Error('at /a/path');
      },
    });
    expect(await call(senderOf('posture'), 'openCcp')).toMatchObject({ error: { code: 'internal' } });
    expect(await call(senderOf('posture'), 'recheck', {})).toEqual({ ok: false, error: { code: 'too-soon', detail: '3 s' } });
    expect(JSON.stringify(await call(senderOf('posture'), 'history'))).not.toContain('/a/path');
  });

  it('is refused when there are too many, and of other pages it is not', async () => {
    const { call, handled, pass } = stage(everything);
    for (let count = 0; count < 200; count += 1) await call(senderOf('posture'), 'openCcp');
    expect(handled.length).toBe(40);
    await call(senderOf('blocked'), 'recheck', {});
    expect(handled.length).toBe(41);
    pass(1_000);
    for (let count = 0; count < 200; count += 1) await call(senderOf('posture'), 'openCcp');
    expect(handled.length).toBe(51);
  });
});

describe('an event', () => {
  it('goes to the pages that may hear it', () => {
    const { pages, sent } = stage();
    pages.tell('viewChanged', view);
    pages.tell('probe', { task: 1, check: 'softphone.audio-devices', params: {}, turn: [] });
    expect(sent.map(([page, name]) => `${page} ${name}`)).toEqual([
      'posture viewChanged',
      'blocked viewChanged',
      'banner viewChanged',
      'probe probe',
    ]);
  });

  it('that does not parse goes to nobody', () => {
    const { pages, sent, refused } = stage();
    pages.tell('viewChanged', { ...view, link: 'perhaps' });
    expect([sent, refused]).toEqual([[], ['event "viewChanged" does not parse']]);
  });
});

it('views go out at once, and then ten times a second with the newest', async () => {
  const time = settlingAfter();
  const sent: [number, string][] = [];
  const tell = tellViews(time.after, time.nowMs, ({ app }) => sent.push([time.nowMs(), app.version]));
  for (let count = 0; count < 25; count += 1) {
    tell({ ...view, app: { ...view.app, version: String(count) } });
    await time.advance(10);
  }
  await time.advance(1_000);
  expect(sent).toEqual([
    [0, '0'],
    [100, '9'],
    [200, '19'],
    [300, '24'],
  ]);
  expect(time.waiting()).toBe(0);
});
