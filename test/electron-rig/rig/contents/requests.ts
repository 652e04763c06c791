import { send } from '../chromium/browser.ts';
import type { Method, Protocol } from '../chromium/cdp.ts';
import { cancelable } from '../loud.ts';
import { fromBrowser, policyInBrowser, toBrowser } from '../schemes.ts';
import type { RequestDetails } from '../web-request.ts';
import type { RigContents } from './contents.ts';
import { initiatorOf } from './initiator.ts';
import { electronOf } from './web-contents.ts';

type Paused = Protocol.Fetch.requestPausedPayload;

const resourceTypes: Readonly<Record<string, string>> = {
  Script: 'script',
  Stylesheet: 'stylesheet',
  Image: 'image',
  XHR: 'xhr',
  Fetch: 'xhr',
  Font: 'font',
  Media: 'media',
  Ping: 'ping',
  CSPViolationReport: 'cspReport',
};

let socketRequests = 0;

/** As webRequest tells of a request; `type` as Electron names it. */
function requestDetails(
  contents: RigContents,
  request: { id: number; url: string; method: string; frameId?: string; type: string },
): RequestDetails {
  return {
    id: request.id,
    url: request.url,
    method: request.method,
    resourceType: request.type,
    webContentsId: contents.id,
    webContents: electronOf(contents),
    frame: request.frameId === undefined ? null : contents.frameOf(request.frameId),
    referrer: '',
    timestamp: Date.now(),
  };
}

/** A WebSocket about to be opened: whether webRequest lets it. */
export async function maySocket(contents: RigContents, url: string): Promise<boolean> {
  socketRequests += 1;
  const details = requestDetails(contents, { id: 1_000_000_000 + socketRequests, url, method: 'GET', type: 'webSocket' });
  const { hooks } = contents.session;
  const cancelled =
    (await hooks.beforeRequest(details)).cancel || (await hooks.beforeSendHeaders({ ...details, requestHeaders: {} })).cancel;
  if (cancelled) await hooks.errorOccurred({ ...details, error: 'net::ERR_BLOCKED_BY_CLIENT', fromCache: false });
  return !cancelled;
}

/** Every request of every frame and worker, before it is sent and when its answer's headers are there. */
export async function handleRequest(contents: RigContents, paused: Paused, sessionId: string): Promise<void> {
  const call = <M extends Method>(method: M, params: Protocol.CommandParameters[M]) => send(method, params, sessionId);
  const { requestId, request } = paused;
  const isDocument = paused.resourceType === 'Document';
  const documentType = paused.frameId === contents.targetId ? 'mainFrame' : 'subFrame';
  const details = {
    ...requestDetails(contents, {
      id: Number((paused.networkId ?? requestId).replace(/\D/g, '').slice(-9)),
      url: fromBrowser(request.url),
      method: request.method,
      frameId: paused.frameId,
      type: isDocument ? documentType : (resourceTypes[paused.resourceType] ?? 'other'),
    }),
    referrer: request.headers.Referer ?? '',
  };
  const { hooks } = contents.session;
  const fail = (errorReason: Protocol.Network.ErrorReason) => call('Fetch.failRequest', { requestId, errorReason });
  const block = async () => {
    await hooks.errorOccurred({ ...details, error: 'net::ERR_BLOCKED_BY_CLIENT', fromCache: false });
    await fail('BlockedByClient');
  };

  if (paused.responseErrorReason) {
    await hooks.errorOccurred({ ...details, error: paused.responseErrorReason, fromCache: false });
    await call('Fetch.continueRequest', { requestId });
    return;
  }
  if (paused.responseStatusCode !== undefined) {
    await handleResponse(contents, paused, details, sessionId, block);
    return;
  }
  if (isDocument && !mayNavigate(contents, paused, details.url)) {
    contents.navigation.refused(paused.frameId);
    await fail('Aborted');
    return;
  }
  const before = await hooks.beforeRequest(details);
  if (before.cancel) return block();
  if (before.redirectURL) {
    const responseHeaders = [{ name: 'Location', value: toBrowser(before.redirectURL) }];
    await call('Fetch.fulfillRequest', { requestId, responseCode: 307, responseHeaders });
    return;
  }
  if (details.url !== request.url) {
    const response = await answerScheme(contents, details.url, request);
    if (response) await call('Fetch.fulfillRequest', { requestId, ...response });
    else await fail('Failed');
    return;
  }
  const headers = await hooks.beforeSendHeaders({ ...details, requestHeaders: request.headers });
  if (headers.cancel) return block();
  const changed = headers.requestHeaders && { headers: headerList(headers.requestHeaders) };
  await call('Fetch.continueRequest', { requestId, ...changed });
}

/** The events by which an app refuses a navigation. */
function mayNavigate(contents: RigContents, paused: Paused, url: string): boolean {
  const { frameId, redirectedRequestId } = paused;
  const isMainFrame = frameId === contents.targetId;
  const byApp = contents.navigation.requested(frameId, url, redirectedRequestId !== undefined);
  if (byApp) return true;
  const frame = contents.frameOf(frameId);
  const initiator = initiatorOf(contents, frame, paused.request.headers.Referer ?? '');
  const event = cancelable({ url, isMainFrame, isSameDocument: false, frame, initiator });
  if (redirectedRequestId !== undefined) contents.emit('will-redirect', event, url, false, isMainFrame, 1, 1);
  else {
    contents.emit('will-frame-navigate', event);
    if (isMainFrame && !event.defaultPrevented) contents.emit('will-navigate', event, url, false, isMainFrame, 1, 1);
  }
  return !event.defaultPrevented;
}

async function answerScheme(contents: RigContents, url: string, request: Protocol.Network.Request) {
  const handler = contents.session.protocol.handlers.get(new URL(url).protocol.slice(0, -1));
  if (!handler) return null;
  const { method, headers, postData } = request;
  const response = await handler(new Request(url, { method, headers, ...(postData === undefined ? {} : { body: postData }) }));
  const responseHeaders = [...response.headers].map(([name, value]) => ({
    name,
    value: name === 'content-security-policy' ? policyInBrowser(value) : value,
  }));
  return { responseCode: response.status || 200, responseHeaders, body: Buffer.from(await response.arrayBuffer()).toString('base64') };
}

async function handleResponse(
  contents: RigContents,
  paused: Paused,
  details: RequestDetails,
  sessionId: string,
  block: () => Promise<void>,
): Promise<void> {
  const { requestId, responseStatusCode: statusCode = 200 } = paused;
  const { hooks } = contents.session;
  const responseHeaders: Record<string, string[]> = {};
  for (const { name, value } of paused.responseHeaders ?? []) responseHeaders[name] = [...(responseHeaders[name] ?? []), value];
  const answered = { ...details, responseHeaders, statusCode, statusLine: `HTTP/1.1 ${statusCode}` };
  const answer = await hooks.headersReceived(answered);
  if (answer.cancel) return block();
  await hooks.completed({ ...answered, fromCache: false, error: '' });
  if (!answer.responseHeaders) {
    await send('Fetch.continueRequest', { requestId }, sessionId);
    return;
  }
  const changed = headerList(answer.responseHeaders);
  if (paused.resourceType !== 'Document' || (statusCode >= 300 && statusCode < 400)) {
    await send('Fetch.continueResponse', { requestId, responseCode: statusCode, responseHeaders: changed }, sessionId);
    return;
  }
  // The browser has read a document's headers (its CSP) already: only a response of the rig's own is read again.
  const { body, base64Encoded } = await send('Fetch.getResponseBody', { requestId }, sessionId);
  await send(
    'Fetch.fulfillRequest',
    {
      requestId,
      responseCode: statusCode,
      responseHeaders: changed.filter(({ name }) => !/^content-(encoding|length)$/i.test(name)),
      body: base64Encoded ? body : Buffer.from(body).toString('base64'),
    },
    sessionId,
  );
}

function headerList(headers: Record<string, string | string[]>): { name: string; value: string }[] {
  return Object.entries(headers).flatMap(([name, values]) => [values].flat().map((value) => ({ name, value: String(value) })));
}
