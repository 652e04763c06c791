/** Chromium's match patterns, as `urls` of a filter has them. */
function patternOf(glob: string): RegExp {
  if (glob === '<all_urls>') return /^/;
  const escaped = glob.replace(/[.+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replace(/^\*:/, '(https?|wss?):').replaceAll('*', '.*')}$`);
}

export interface RequestDetails {
  id: number;
  url: string;
  method: string;
  resourceType: string;
  [more: string]: unknown;
}

export interface RequestAnswer {
  cancel?: boolean;
  redirectURL?: string;
  requestHeaders?: Record<string, string | string[]>;
  responseHeaders?: Record<string, string | string[]>;
}

type Listener = (details: unknown, callback: (answer: RequestAnswer) => void) => void;
interface Registered {
  patterns: RegExp[];
  types: readonly string[] | undefined;
  listener: Listener;
}
interface Hook {
  set(filterOrListener: Electron.WebRequestFilter | Listener | null, listener?: Listener | null): void;
  ask(details: RequestDetails): Promise<RequestAnswer>;
}

/** One listener at a time for each event, as in Electron. `answers`: Electron waits for the listener's callback. */
function hook(answers: boolean): Hook {
  let registered: Registered | null = null;
  return {
    set: (first, second) => {
      const [filter, listener] = typeof first === 'function' || first === null ? [null, first] : [first, second ?? null];
      const patterns = (filter?.urls ?? ['<all_urls>']).map(patternOf);
      registered = listener ? { patterns, types: filter?.types, listener } : null;
    },
    ask: (details) => {
      const { patterns = [], types, listener } = registered ?? {};
      const wanted = patterns.some((pattern) => pattern.test(details.url)) && (types?.includes(details.resourceType) ?? true);
      if (!listener || !wanted) return Promise.resolve({});
      if (answers) return new Promise((resolve) => listener(details, resolve));
      listener(details, () => {});
      return Promise.resolve({});
    },
  };
}

export type WebRequest = Pick<
  Electron.WebRequest,
  'onBeforeRequest' | 'onBeforeSendHeaders' | 'onHeadersReceived' | 'onCompleted' | 'onErrorOccurred'
>;

export interface RequestHooks {
  /** What the app sees. */
  webRequest: WebRequest;
  beforeRequest: Hook['ask'];
  beforeSendHeaders: Hook['ask'];
  headersReceived: Hook['ask'];
  completed: Hook['ask'];
  errorOccurred: Hook['ask'];
}

export function requestHooks(): RequestHooks {
  const [before, headers, received] = [hook(true), hook(true), hook(true)];
  const [completed, failed] = [hook(false), hook(false)];
  return {
    webRequest: {
      onBeforeRequest: before.set,
      onBeforeSendHeaders: headers.set,
      onHeadersReceived: received.set,
      onCompleted: completed.set,
      onErrorOccurred: failed.set,
    } as WebRequest,
    beforeRequest: before.ask,
    beforeSendHeaders: headers.ask,
    headersReceived: received.ask,
    completed: completed.ask,
    errorOccurred: failed.ask,
  };
}
