import { send } from '../chromium/browser.ts';
import { markName, pageSource, sayBinding } from '../page/inject.ts';

/**
 * Chromium loads the first document of one popup in a dozen before it has taken our script for it. The script runs late there, after
 * the document's own first ones; the empty document that a popup begins with has none.
 */
export async function catchUp(sessionId: string, contextId: number): Promise<void> {
  // Without its binding it would be mute: what comes before that is looked at once more (setup.ts).
  const expression = `globalThis.${markName} === true || location.href === 'about:blank' || typeof globalThis.${sayBinding} !== 'function'`;
  const { result } = await send('Runtime.evaluate', { contextId, expression }, sessionId);
  if (result.value === false) await send('Runtime.evaluate', { contextId, expression: pageSource() }, sessionId);
}
