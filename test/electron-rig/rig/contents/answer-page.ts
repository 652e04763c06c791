import { send } from '../chromium/browser.ts';
import { channel } from '../page/inject.ts';
import type { RigContents } from './contents.ts';
import { type HidQuestion, hidDevices } from './hid.ts';
import { mayPermission, type PermissionQuestion } from './permissions.ts';

export type Answered = { id: number } & (({ kind: 'permission' } & PermissionQuestion) | ({ kind: 'hid' } & HidQuestion));

/** What page/ask-app.ts asks. */
export async function answerPage(contents: RigContents, question: Answered, sessionId: string, contextId: number): Promise<void> {
  const frame = contents.frameOfContext(sessionId, contextId) ?? contents.mainFrame;
  const answer = question.kind === 'hid' ? await hidDevices(contents, frame, question) : await mayPermission(contents, frame, question);
  const detail = JSON.stringify({ id: question.id, answer });
  const expression = `window.dispatchEvent(new CustomEvent(${JSON.stringify(`${channel}answer`)}, { detail: ${detail} }))`;
  await send('Runtime.evaluate', { contextId, expression }, sessionId);
}
