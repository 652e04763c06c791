import { quietly, send } from './chromium/browser.ts';
import type { Cdp, CdpEvent, Protocol } from './chromium/cdp.ts';
import { type Answered, answerPage } from './contents/answer-page.ts';
import { catchUp } from './contents/catch-up.ts';
import { certificateError } from './contents/certificate-error.ts';
import type { Disposition, RigContents } from './contents/contents.ts';
import { answerPause } from './contents/questions.ts';
import { handleRequest } from './contents/requests.ts';
import { enableDomains } from './contents/setup.ts';
import { answerUnload } from './contents/unload.ts';
import { ipcBinding, preloadWorldName, sayBinding, workerSource } from './page/inject.ts';
import { contentsById, contentsBySession, contentsByTarget, takeExpected } from './registry.ts';
import { fromBrowser } from './schemes.ts';
import { sessionOfContext } from './session.ts';

/** Sends each of the browser's events to the contents that it is about. */
export function routeEvents(cdp: Cdp): void {
  cdp.onEvent((event, sessionId) => {
    try {
      if (event.method === 'Target.attachedToTarget') attached(event.params, sessionId);
      else if (event.method === 'Target.targetInfoChanged') contentsByTarget.get(event.params.targetInfo.targetId)?.navigation.retitle();
      else if (event.method === 'Target.detachedFromTarget') detached(event.params.sessionId);
      else if (sessionId !== undefined) ofSession(event, sessionId);
    } catch (error) {
      console.error('electron rig:', event.method, error);
    }
  });
}

function attached({ targetInfo, sessionId }: Protocol.Target.attachedToTargetPayload, parentSession: string | undefined): void {
  const run = () => quietly(send('Runtime.runIfWaitingForDebugger', undefined, sessionId));
  const { type, targetId, openerId, browserContextId } = targetInfo;
  const parent = parentSession === undefined ? undefined : contentsBySession.get(parentSession)?.contents;
  if (type === 'page') {
    const opener = openerId === undefined ? expecting(targetInfo) : contentsByTarget.get(openerId);
    // A page of our own making that is no window's (the one that clears storage) is nobody's, and begins with a document.
    const awaited = opener ? null : takeExpected();
    if (opener) quietly(opener.popups.came(targetId, sessionId));
    else if (awaited) quietly(awaited.attach(targetId, sessionId));
    else if (targetInfo.url === '') stray(targetId);
    else run();
  } else if (type === 'iframe' && parent) quietly(enableDomains(parent, sessionId, 'frame'));
  else if (type === 'worker' && parent) quietly(prepareWorker(parent, sessionId, false));
  else if (type === 'service_worker' || type === 'shared_worker') {
    // The browser tells of it, and each of its pages once more: the first is enough.
    const contents = parent ? undefined : ownerOf(browserContextId);
    if (contents) quietly(prepareWorker(contents, sessionId, true));
    else run();
  } else run();
}

/** Chromium now and then keeps the opener from a page that a script opens early: the script gets null, and the page comes all the same. */
function expecting({ url, browserContextId }: Protocol.Target.TargetInfo): RigContents | undefined {
  const session = sessionOfContext(browserContextId);
  return [...contentsById.values()].find((one) => url === '' && one.session === session && one.popups.isExpecting());
}

/** Chromium opened it past page/links.ts: no app would have been asked for it. */
function stray(targetId: string): void {
  console.error('electron rig: a page without an opener was opened by a way that is not covered, and is closed');
  quietly(send('Target.closeTarget', { targetId }));
}

/** A worker of several pages: one of its session's pages stands for it. */
function ownerOf(browserContextId: string | undefined): RigContents | undefined {
  const session = sessionOfContext(browserContextId);
  return [...contentsById.values()].find((contents) => contents.session === session);
}

/** A dedicated worker's requests are its page's; the others make their own. */
async function prepareWorker(contents: RigContents, sessionId: string, requests: boolean): Promise<void> {
  contentsBySession.set(sessionId, { contents, kind: 'worker' });
  const preparations: Promise<unknown>[] = [
    send('Debugger.enable', {}, sessionId),
    send('Runtime.evaluate', { expression: workerSource() }, sessionId),
    requests
      ? send('Fetch.enable', { patterns: [{ urlPattern: '*' }] }, sessionId)
      : send('Target.setAutoAttach', { autoAttach: true, waitForDebuggerOnStart: true, flatten: true }, sessionId),
    // Not after the others have answered: a service worker answers nothing before it may run, but takes all in order.
    send('Runtime.runIfWaitingForDebugger', undefined, sessionId),
  ];
  await Promise.all(preparations);
}

function detached(sessionId: string): void {
  const known = contentsBySession.get(sessionId);
  contentsBySession.delete(sessionId);
  if (known?.kind === 'page') known.contents.destroyed();
}

function ofSession(event: CdpEvent, sessionId: string): void {
  const known = contentsBySession.get(sessionId);
  if (!known) {
    // Of a window that may not open: held requests go out when it closes, so it ends here.
    if (event.method !== 'Fetch.requestPaused') return;
    quietly(send('Fetch.failRequest', { requestId: event.params.requestId, errorReason: 'BlockedByClient' }, sessionId));
    return;
  }
  const { contents } = known;
  switch (event.method) {
    case 'Fetch.requestPaused':
      quietly(handleRequest(contents, event.params, sessionId));
      break;
    case 'Debugger.paused':
      quietly(answerPause(contents, event.params, sessionId));
      break;
    case 'Network.requestWillBeSent':
      if (event.params.type === 'Document') contents.documents.set(event.params.requestId, fromBrowser(event.params.request.url));
      break;
    case 'Network.loadingFailed':
      failed(contents, event.params);
      break;
    case 'Page.frameNavigated':
      contents.navigation.committed(event.params.frame, sessionId);
      break;
    case 'Page.navigatedWithinDocument':
      contents.navigation.movedWithinDocument(event.params.frameId, event.params.url);
      break;
    case 'Page.frameAttached':
      contents.knowFrame(event.params.frameId, event.params.parentFrameId, sessionId);
      break;
    case 'Page.frameDetached':
      // With `swap` the frame lives on in another process.
      if (event.params.reason === 'remove') contents.frames.delete(event.params.frameId);
      break;
    case 'Page.lifecycleEvent':
      contents.navigation.lifecycle(event.params);
      break;
    case 'Page.javascriptDialogOpening':
      // Told by each of the page's processes; Playwright answers the others.
      if (event.params.type === 'beforeunload' && known.kind === 'page') quietly(answerUnload(contents, sessionId));
      break;
    case 'Page.windowOpen':
      contents.popups.announced(event.params);
      break;
    case 'Inspector.targetCrashed':
      contents.rendererGone();
      break;
    default:
      ofContext(contents, event, sessionId, known.kind);
  }
}

function ofContext(contents: RigContents, event: CdpEvent, sessionId: string, kind: 'page' | 'frame' | 'worker'): void {
  const { contexts } = contents;
  const gone = (key: string) => {
    contexts.delete(key);
    contents.media.documentGone(key);
  };
  if (event.method === 'Runtime.executionContextCreated' && kind !== 'worker') {
    const { id, name, auxData } = event.params.context;
    const { frameId = '', isDefault = false } = (auxData ?? {}) as { frameId?: string; isDefault?: boolean };
    contexts.set(`${sessionId}:${id}`, { id, sessionId, name, frameId });
    if (isDefault) quietly(catchUp(sessionId, id));
  } else if (event.method === 'Runtime.executionContextDestroyed') gone(`${sessionId}:${event.params.executionContextId}`);
  else if (event.method === 'Runtime.executionContextsCleared') {
    for (const key of [...contexts.keys()].filter((one) => one.startsWith(`${sessionId}:`))) gone(key);
  } else if (event.method === 'Runtime.bindingCalled') said(contents, event.params, sessionId);
  else if (event.method === 'Runtime.consoleAPICalled') {
    const { type, args } = event.params;
    const message = args.map(({ value, description }) => String(value ?? description ?? '')).join(' ');
    contents.emit('console-message', { level: type === 'log' ? 'info' : type, message, frame: contents.mainFrame });
  }
}

function said(
  contents: RigContents,
  { name, payload, executionContextId }: Protocol.Runtime.bindingCalledPayload,
  sessionId: string,
): void {
  const document = `${sessionId}:${executionContextId}`;
  if (name === ipcBinding) {
    // Only the preload world has the binding; whoever came to it otherwise is not heard.
    if (contents.contexts.get(document)?.name === preloadWorldName) {
      quietly(contents.messages.received(payload, sessionId, executionContextId));
    }
    return;
  }
  if (name !== sayBinding) return;
  const message = JSON.parse(payload) as
    | Answered
    | { kind: 'title' }
    | { kind: 'close' }
    | { kind: 'link'; url: string; disposition: Disposition }
    | { kind: 'input'; type: string }
    | { kind: 'media'; playing: boolean }
    | { kind: 'audible'; audible: boolean };
  if (message.kind === 'permission' || message.kind === 'hid' || message.kind === 'opened')
    quietly(answerPage(contents, message, sessionId, executionContextId));
  else if (message.kind === 'title') contents.navigation.retitle();
  else if (message.kind === 'close') quietly(contents.closeByPage());
  else if (message.kind === 'link') contents.popups.linked(fromBrowser(message.url), message.disposition);
  else if (message.kind === 'input') contents.emit('input-event', {}, { type: message.type, modifiers: [] });
  else if (message.kind === 'media') contents.media.playing(document, message.playing);
  else contents.media.audible(document, message.audible);
}

function failed(contents: RigContents, { requestId, type, errorText }: Protocol.Network.loadingFailedPayload): void {
  const url = contents.documents.get(requestId);
  contents.documents.delete(requestId);
  if (type !== 'Document') return;
  contents.navigation.failed(requestId, errorText);
  if (url !== undefined && errorText.includes('ERR_CERT_')) certificateError(contents, url, errorText);
}
