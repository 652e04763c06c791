import { BrowserWindow } from 'electron';
import { until } from './observe.ts';
import { type Probed, settle } from './probed.ts';

/** webRequest over everything that a page can send, and its own schemes. */
export async function seeRequests(probed: Probed): Promise<void> {
  const { see, js, load, take, window, plain, session } = probed;
  let cancels = (_url: string) => false;
  const asked: string[] = [];
  session.webRequest.onBeforeRequest({ urls: ['<all_urls>'] }, ({ url, resourceType }, answer) => {
    const cancel = cancels(url);
    if (cancel) asked.push(`${resourceType} ${plain(url)}`);
    answer({ cancel });
  });
  session.webRequest.onBeforeSendHeaders({ urls: ['*://*/headers'] }, ({ requestHeaders }, answer) =>
    answer({ requestHeaders: { ...requestHeaders, 'x-probe': 'yes' } }),
  );
  session.webRequest.onHeadersReceived({ urls: ['*://*/policy'] }, ({ responseHeaders }, answer) =>
    answer({ responseHeaders: { ...responseHeaders, 'content-security-policy': ["script-src 'none'"] } }),
  );
  await load('/one');
  await see('webRequest request headers', () => js('fetch("/headers").then((r) => r.json())'));
  cancels = (url) => url.includes('/block');
  await see('webRequest cancels fetch', () => js('fetch("/block1").then((r) => r.status, (e) => e.name)'));
  await see('webRequest cancels the page', async () => {
    take();
    const error = await load('/block2').then(
      () => null,
      (thrown: { code: string; errno: number; message: string }) => thrown,
    );
    await settle();
    return [error?.code, error?.errno, plain(error?.message ?? ''), ...take(/load|ready/), plain(window.webContents.getURL())];
  });
  await see('webRequest policy header', async () => {
    await load('/policy');
    return js('window.inlineRan ?? "blocked"');
  });
  cancels = () => false;
  await seeSockets(probed, (rule) => {
    cancels = rule;
    return asked.splice(0);
  });
  await seeScheme(probed);
}

async function seeSockets({ see, js, load, site, plain }: Probed, cancel: (rule: (url: string) => boolean) => string[]): Promise<void> {
  const open = (url: string) =>
    `new Promise((done) => { const socket = new WebSocket(${JSON.stringify(url)}); const seen = []; window.kept = socket;
      socket.onopen = () => done(['open', socket.url, socket instanceof WebSocket]); socket.onerror = () => seen.push('error');
      socket.onclose = ({ code, wasClean }) => done([...seen, code, wasClean, socket.url, socket.readyState]) })`;
  const texts = (seen: unknown) => (seen as unknown[]).map((item) => (typeof item === 'string' ? plain(item) : item));
  await load('/one');
  await see('WebSocket open', async () => texts(await js(open(`${site.socketOrigin}/live`))));
  await see('WebSocket cancelled', async () => {
    cancel((url) => url.startsWith('ws'));
    const seen = texts(await js(open(`${site.socketOrigin}/new`)));
    return [...seen, ...cancel(() => false)];
  });
  await see('WebSocket cancelled in a frame', async () => {
    cancel((url) => url.startsWith('ws'));
    const code = `new Promise((done) => { const frame = document.createElement('iframe'); frame.src = '/inner'; document.body.append(frame);
      frame.onload = () => { const socket = new frame.contentWindow.WebSocket(${JSON.stringify(`${site.socketOrigin}/frame`)});
      socket.onopen = () => done('open'); socket.onclose = ({ code }) => done('closed ' + code) } })`;
    return [await js(code), ...cancel(() => false)];
  });
  await see('WebSocket cancelled in a worker', async () => {
    cancel((url) => url.startsWith('ws'));
    const code = `new Promise((done) => { const worker = new Worker('/socket-worker.js'); worker.onmessage = ({ data }) => done(data);
      worker.postMessage(${JSON.stringify(`${site.socketOrigin}/worker`)}) })`;
    return [await js(code), ...cancel(() => false)];
  });
  await see('fetch cancelled in a worker', async () => {
    cancel((url) => url.endsWith('/api'));
    const code = `new Promise((done) => { const worker = new Worker('/fetch-worker.js'); worker.onmessage = ({ data }) => done(data);
      worker.postMessage(1) })`;
    return [await js(code), ...cancel(() => false)];
  });
  await see('cancelled in a service worker', async () => {
    cancel((url) => url.startsWith('ws') || url.endsWith('/api'));
    const code = `(async () => { await navigator.serviceWorker.register('/service-worker.js'); const { active } = await navigator.serviceWorker.ready;
      const seen = new Promise((done) => { navigator.serviceWorker.onmessage = ({ data }) => done(data) });
      active.postMessage(${JSON.stringify(`${site.socketOrigin}/service`)}); return seen })()`;
    const seen = texts(await js(code));
    return [...seen, ...cancel(() => false).sort()];
  });
  await see('an open WebSocket outlives cancelling', async () => {
    await js(open(`${site.socketOrigin}/live`));
    cancel(() => true);
    const state = await js('kept.readyState');
    cancel(() => false);
    return state;
  });
  await see('destroying a window closes its sockets', async () => {
    const other = new BrowserWindow({ show: false, webPreferences: { partition: 'probe' } });
    await other.loadURL(`${site.origin}/one`);
    await other.webContents.executeJavaScript(open(`${site.socketOrigin}/other`));
    const before = site.openSockets();
    other.destroy();
    return until(() => site.openSockets() === before - 1);
  });
}

async function seeScheme({ see, js, window, session }: Probed): Promise<void> {
  session.protocol.handle('probe', ({ url }) => {
    const body = `<title>${new URL(url).pathname}</title>
      <script>window.facts = [location.protocol, location.host, isSecureContext, origin, document.URL]</script>`;
    const headers = { 'content-type': 'text/html', 'content-security-policy': "default-src 'self' 'unsafe-inline'" };
    return new Response(body, { headers });
  });
  await see('protocol.handle', async () => {
    await window.loadURL('probe://host/page?q=1');
    return [window.webContents.getURL(), window.webContents.getTitle()];
  });
  await see('identity in the page', () => js('window.facts'));
  await see('sender of an own scheme', () => js('api.who()'));
  await see('another session lacks the scheme', async () => {
    const other = new BrowserWindow({ show: false, webPreferences: { partition: 'other' } });
    try {
      await other.loadURL('probe://host/');
      return 'loaded';
    } catch (error) {
      return (error as { code: string }).code;
    } finally {
      other.destroy();
    }
  });
}
