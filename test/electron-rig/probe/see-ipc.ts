import { setTimeout as delay } from 'node:timers/promises';
import { ipcMain } from 'electron';
import type { Probed } from './probed.ts';

/** The preload script, its bridge to the page, and both ways of IPC. */
export async function seeIpc({ see, js, window, plain }: Probed): Promise<void> {
  ipcMain.handle('echo', (_event, value: unknown) => value);
  ipcMain.handle('who', ({ senderFrame, sender }) => ({
    url: plain(senderFrame?.url ?? ''),
    origin: plain(senderFrame?.origin ?? ''),
    parent: senderFrame?.parent === null,
    same: sender.id === window.webContents.id,
  }));
  ipcMain.handle('boom', () => {
    throw new TypeError('bad thing');
  });
  ipcMain.handle('unclonable', () => ({ f: () => 1 }));

  await see('ipc echo', () =>
    js(`api.echo({ a: 1, d: new Date(5), u: undefined, n: NaN, m: new Map([[1, new Set([2])]]), b: new Uint8Array([1, 2]), big: 10n, r: /x/g,
      e: new RangeError('q'), nil: null, list: [, 1] }).then((v) => [v.a, v.d instanceof Date, v.d.getTime(), 'u' in v, v.n !== v.n, v.m.get(1).has(2),
      v.b instanceof Uint8Array, v.b[1], typeof v.big, v.r.source, v.e instanceof Error, v.e.message, v.nil, v.list.length])`),
  );
  await see('ipc who', () => js('api.who()'));
  await see('ipc error', () => js('api.boom().catch((e) => [e instanceof Error, e.name, e.message])'));
  await see('ipc missing', () => js('api.missing().catch((e) => e.message)'));
  await see('ipc unclonable reply', () => js('api.unclonable().catch((e) => e.message)'));
  await see('ipc unclonable argument', () =>
    js('(async () => { try { await api.echoFunction(); return "ok" } catch (e) { return e.message } })()'),
  );
  await see('bridge callback', () =>
    js('new Promise((done) => api.each([1, 2], (x) => { (window.got ??= []).push(x * 2); if (got.length === 2) done(got) }))'),
  );
  await see('bridge return and closure', () =>
    js('(() => { const c = api.counter(); c.next(); return [c.next(), typeof c.next, c.label] })()'),
  );
  await see('bridge throw', () => js('(() => { try { api.fail() } catch (e) { return [e instanceof Error, e.message] } })()'));
  await see('bridge values', () =>
    js('[api.value.n, api.value.d instanceof Date, Object.isFrozen(api.value), Array.isArray(api.value.list), "proto" in api.value]'),
  );
  await see('bridge overwrite', () =>
    js('(() => { "use strict"; try { window.api = 1; return "written" } catch (e) { return e.constructor.name } })()'),
  );
  await see('preload environment', () => js('api.environment'));
  await see('page sees', () => js('[typeof require, typeof process, typeof module, typeof Buffer, window.preloadLeak ?? null]'));
  await see('send to page', async () => {
    const received = js('new Promise((done) => api.once(done)).then(([first, second]) => [first.x, first.d instanceof Date, second])');
    await delay(50);
    window.webContents.send('event', { x: 1, d: new Date(3) }, 'two');
    return received;
  });
  await see('executeJavaScript error', () => js('null.x'));
  await see('executeJavaScript reject', () => js('Promise.reject(new Error("nope"))'));
}
