import { send } from '../chromium/browser.ts';
import { channel } from '../page/inject.ts';
import type { RigFrame } from '../web-frame.ts';
import type { RigContents } from './contents.ts';
import { type HidQuestion, hidDevices } from './hid.ts';
import { mayPermission, type PermissionQuestion } from './permissions.ts';

export type Answered = { id: number } & (
  | ({ kind: 'permission' } & PermissionQuestion)
  | ({ kind: 'hid' } & HidQuestion)
  | { kind: 'opened' }
);

/** What page/ask-app.ts asks. */
export async function answerPage(contents: RigContents, question: Answered, sessionId: string, contextId: number): Promise<void> {
  const frame = contents.frameOfContext(sessionId, contextId) ?? contents.mainFrame;
  const answer = await answerTo(contents, frame, question);
  const detail = JSON.stringify({ id: question.id, answer });
  const expression = `window.dispatchEvent(new CustomEvent(${JSON.stringify(`${channel}answer`)}, { detail: ${detail} }))`;
  await send('Runtime.evaluate', { contextId, expression }, sessionId);
}

function answerTo(contents: RigContents, frame: RigFrame, question: Answered): Promise<unknown> {
  if (question.kind === 'hid') return hidDevices(contents, frame, question);
  if (question.kind === 'permission') return mayPermission(contents, frame, question);
  return contents.popups.settled();
}
