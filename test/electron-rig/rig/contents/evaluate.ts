import { send } from '../chromium/browser.ts';
import type { Protocol } from '../chromium/cdp.ts';
import { decode, encode } from '../codec.ts';

/** executeJavaScript: the value of the script or of its promise; what it throws or rejects with, as Electron gives it on. */
export async function evaluateAsElectron(sessionId: string, code: string, userGesture: boolean): Promise<unknown> {
  const ran = await send('Runtime.evaluate', { expression: code, userGesture }, sessionId);
  if (ran.exceptionDetails) {
    throw new Error('Script failed to execute, this normally means an error was thrown. Check the renderer console for the error.');
  }
  const { result } = ran;
  if (result.subtype !== 'promise' || result.objectId === undefined) return carried(sessionId, result);
  const settled = await send('Runtime.awaitPromise', { promiseObjectId: result.objectId }, sessionId);
  if (settled.exceptionDetails?.exception) throw await carried(sessionId, settled.exceptionDetails.exception);
  return carried(sessionId, settled.result);
}

async function carried(sessionId: string, remote: Protocol.Runtime.RemoteObject): Promise<unknown> {
  if (remote.objectId === undefined) return remote.unserializableValue === undefined ? remote.value : Number(remote.unserializableValue);
  const functionDeclaration = `function () { const encode = ${encode}; return JSON.stringify(encode(this)); }`;
  const { result } = await send(
    'Runtime.callFunctionOn',
    { objectId: remote.objectId, returnByValue: true, functionDeclaration },
    sessionId,
  );
  return decode(JSON.parse(String(result.value)));
}
