import { send } from '../chromium/browser.ts';
import type { Protocol } from '../chromium/cdp.ts';
import { askName } from '../page/inject.ts';
import type { RigContents } from './contents.ts';
import { maySocket } from './requests.ts';

type Question = { kind: 'open'; data: { url: string; frameName: string; features: string } } | { kind: 'websocket'; data: { url: string } };

/**
 * A page or worker stands still in the function that asks (page/asks.ts): the one way to ask the main process from a script
 * and have the answer at once that no Content-Security-Policy and no frame's sandbox forbids.
 */
export async function answerPause(contents: RigContents, paused: Protocol.Debugger.pausedPayload, sessionId: string): Promise<void> {
  const callFrame = paused.callFrames[0];
  try {
    if (callFrame?.functionName !== askName) return;
    const { callFrameId } = callFrame;
    const evaluate = (expression: string) =>
      send('Debugger.evaluateOnCallFrame', { callFrameId, expression, returnByValue: true }, sessionId);
    const { result } = await evaluate('JSON.stringify(question)');
    const allow = await answerOf(contents, JSON.parse(String(result.value)) as Question);
    await evaluate(`question.answer = { allow: ${allow} }`);
  } finally {
    await send('Debugger.resume', {}, sessionId);
  }
}

function answerOf(contents: RigContents, question: Question): boolean | Promise<boolean> {
  return question.kind === 'open' ? contents.popups.asked(question.data) : maySocket(contents, question.data.url);
}
