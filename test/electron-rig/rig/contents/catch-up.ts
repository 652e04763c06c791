import { send } from '../chromium/browser.ts';
import { markName, pageSource, sayBinding } from '../page/inject.ts';

/**
 * Chromium loads the first document behind one link with `target` in a dozen before it has taken our script for it, or without its
 * binding. What is missing comes late there, after the document's own first scripts; the empty one that `window.open` begins with
 * needs none.
 */
export async function catchUp(sessionId: string, contextId: number): Promise<void> {
  const state = async () => {
    const expression = `location.href === 'about:blank' ? 'empty' : globalThis.${markName}?.() ?? 'none'`;
    return (await send('Runtime.evaluate', { contextId, expression }, sessionId)).result.value as 'empty' | 'none' | 'mute' | 'heard';
  };
  if ((await state()) === 'none') await send('Runtime.evaluate', { contextId, expression: pageSource() }, sessionId);
  if ((await state()) !== 'mute') return;
  // Added a second time, it would not reach this document either.
  await send('Runtime.removeBinding', { name: sayBinding }, sessionId);
  await send('Runtime.addBinding', { name: sayBinding }, sessionId);
  await state();
}
