import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright';
import { toolPath } from '../../../build/debian-tools.ts';
import type { Handlers, Result } from '../../../contracts/call.ts';
import { answer } from '../../../contracts/call.ts';
import type { FaultCode } from '../../../contracts/fault.ts';
import { callsOfPage, DeskView, type Ipc, ipc } from '../../../contracts/ipc.ts';
import { pageHeaders } from '../../../main/windows/page-files.ts';
import { NOW } from './desk-states.ts';

// Answered from memory below; nothing is ever looked up.
const ORIGIN = 'https://ui.example';
const types: Readonly<Record<string, string>> = { html: 'text/html', js: 'text/javascript', css: 'text/css' };

export type Scripted = Partial<Handlers<Ipc>>;

export interface OpenPosture {
  page: Page;
  /** Calls the page made, in order, with what it asked. */
  calls: { name: string; request: unknown }[];
  /** What a page must never do: scripts that failed, refusals by the policy, requests to elsewhere, unscripted calls. */
  trouble: string[];
  push(view: DeskView): Promise<void>;
  close(): Promise<void>;
}

export function launch(): Promise<Browser> {
  return chromium.launch({ executablePath: toolPath('chromium'), args: ['--no-sandbox', '--disable-gpu'] });
}

interface Options extends BrowserContextOptions {
  /** Which of our pages; the posture window unless told otherwise. */
  name?: 'posture' | 'blocked' | 'banner';
  hash?: string;
  isClockReal?: boolean;
}

/** The built window in a page of its own, over a bridge that answers only what was scripted. */
export async function openPosture(
  browser: Browser,
  files: ReadonlyMap<string, Buffer>,
  view: DeskView,
  scripted: Scripted = {},
  { name: pageName = 'posture', hash = '', isClockReal = false, ...options }: Options = {},
): Promise<OpenPosture> {
  const context = await browser.newContext({
    viewport: { width: 760, height: 820 },
    timezoneId: 'UTC',
    locale: 'en-US',
    colorScheme: 'light',
    reducedMotion: 'reduce',
    ...options,
  });
  const page = await context.newPage();
  // A clock of ours would also stand in for the page's measurements.
  if (!isClockReal) await page.clock.install({ time: NOW });
  const calls: OpenPosture['calls'] = [];
  const trouble: string[] = [];
  let current = view;
  const handlers = { view: async () => ({ ok: true, value: current }), ...scripted } as Handlers<Ipc>;

  await page.exposeFunction('deskwardenCall', async (name: string, request: unknown): Promise<Result<unknown, FaultCode>> => {
    calls.push({ name, request });
    const isAllowed = (callsOfPage[pageName] as readonly string[]).includes(name) && Object.hasOwn(handlers, name);
    if (!isAllowed) {
      trouble.push(`unscripted call ${name}`);
      return { ok: false, error: { code: 'internal', detail: `unscripted: ${name}` } };
    }
    return answer(ipc, handlers, name, request ?? undefined);
  });
  // As text: it runs in the page.
  await page.addInitScript(`
    const listeners = new Map();
    window.deskwardenEmit = (name, payload) => { for (const listener of listeners.get(name) ?? []) listener(payload); };
    Object.defineProperty(window, 'deskwarden', { value: Object.freeze({
      call: (name, request) => window.deskwardenCall(name, request),
      on: (name, listener) => {
        if (!listeners.has(name)) listeners.set(name, new Set());
        listeners.get(name).add(listener);
        return () => listeners.get(name).delete(listener);
      },
    }) });
    document.addEventListener('securitypolicyviolation', (event) => console.error('refused by policy: ' + event.violatedDirective + ' ' + event.blockedURI));
  `);
  page.on('pageerror', (error) => trouble.push(`script failed: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error') trouble.push(`console: ${message.text()}`);
  });
  await page.route('**/*', async (route) => {
    const url = new URL(route.request().url());
    const name = url.pathname.slice(1);
    const body = files.get(name);
    if (url.origin !== ORIGIN || !body) {
      if (name !== 'favicon.ico') trouble.push(`asked for ${url.href}`);
      return route.abort();
    }
    const type = types[name.split('.').at(-1) ?? ''] ?? 'application/octet-stream';
    await route.fulfill({ body, headers: { 'content-type': `${type}; charset=utf-8`, ...pageHeaders } });
  });
  await page.goto(`${ORIGIN}/${pageName}.html${hash}`);
  await page.locator('h1').waitFor();

  return {
    page,
    calls,
    trouble,
    async push(next) {
      current = DeskView.parse(next);
      await page.evaluate(`window.deskwardenEmit('viewChanged', ${JSON.stringify(current)})`);
    },
    close: () => context.close(),
  };
}
