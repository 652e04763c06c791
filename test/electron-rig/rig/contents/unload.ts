import { send } from '../chromium/browser.ts';
import { cancelable } from '../loud.ts';
import { appHooks } from '../registry.ts';
import type { RigContents } from './contents.ts';

/** A `beforeunload` handler wants its page to stay. It does unless the app says otherwise, and then the app does not quit either. */
export async function answerUnload(contents: RigContents, sessionId: string): Promise<void> {
  const event = cancelable({});
  contents.emit('will-prevent-unload', event);
  if (!event.defaultPrevented) appHooks().closeCancelled();
  await send('Page.handleJavaScriptDialog', { accept: event.defaultPrevented }, sessionId);
}
