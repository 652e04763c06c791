// An agent's day, as a program that runs under the agent's uid on a desk of the lab: a CCP tab in real Chromium whose page asks
// its host and keeps a WebSocket open, a second tab that goes to the CCP again and again, and packets to a TURN host.
// Prints one JSON line for each change of what works; takes `{"udp": packetsPerSecond}` lines on standard input.
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { chromium } from 'playwright';
import { toolPath } from '../../../build/debian-tools.ts';
import { instanceHost, transportHost, turnHosts, turnPort } from '../../lab/world.ts';

const CCP = `https://${instanceHost}/`;
const [turnAddress = ''] = Object.values(turnHosts);
const NAVIGATE_EVERY_MS = 60;
const ASK_EVERY_MS = 50;
const PAGE_LIMIT_MS = 3_000;
/** Longer without an answer than two slow packets are apart. */
const MEDIA_GONE_MS = 4_000;

const last = new Map<string, string>();

function tell(what: string, state: string): void {
  if (last.get(what) === state) return;
  last.set(what, state);
  process.stdout.write(`${JSON.stringify({ atMs: Date.now(), what, state })}\n`);
}

function startMedia(): (perSecond: number) => void {
  const socket = createSocket('udp4');
  let timer: NodeJS.Timeout | undefined;
  let answeredMs = Number.NEGATIVE_INFINITY;
  let sending = false;
  socket.on('message', () => {
    answeredMs = performance.now();
    tell('media', 'flows');
  });
  socket.on('error', () => {});
  setInterval(() => {
    if (sending && performance.now() - answeredMs > MEDIA_GONE_MS) tell('media', 'stopped');
  }, 50);
  return (perSecond) => {
    clearInterval(timer);
    sending = perSecond > 0;
    if (sending) timer = setInterval(() => socket.send(bindingRequest(), turnPort, turnAddress, () => {}), 1_000 / perSecond);
    else tell('media', 'off');
  };
}

/** RFC 8489, section 5. */
function bindingRequest(): Buffer {
  return Buffer.concat([Buffer.from([0x00, 0x01, 0x00, 0x00, 0x21, 0x12, 0xa4, 0x42]), randomBytes(12)]);
}

const media = startMedia();
createInterface({ input: process.stdin })
  .on('line', (line) => media((JSON.parse(line) as { udp: number }).udp))
  .on('close', () => process.exit(0));

if (process.argv.includes('--no-browser')) await new Promise(() => {});

const browser = await chromium.launch({ executablePath: toolPath('chromium'), args: ['--ignore-certificate-errors'] });
const context = await browser.newContext({ ignoreHTTPSErrors: true });
const tab = await context.newPage();
await tab.exposeFunction('tell', tell);
await tab.goto(CCP);
// As text: a function of ours would be sent with helpers of the compiler that the page lacks.
await tab.evaluate(`
  const ask = async () => {
    const ok = await fetch('/?' + Math.random(), { signal: AbortSignal.timeout(2000) }).then((answer) => answer.ok, () => false);
    tell('xhr', ok ? 'works' : 'fails');
    setTimeout(ask, ${ASK_EVERY_MS});
  };
  const open = () => {
    const socket = new WebSocket('wss://${transportHost}/');
    const saying = setInterval(() => socket.readyState === WebSocket.OPEN && socket.send('x'), ${ASK_EVERY_MS});
    socket.onopen = () => tell('websocket', 'open');
    socket.onclose = () => {
      clearInterval(saying);
      tell('websocket', 'closed');
      setTimeout(open, ${ASK_EVERY_MS});
    };
  };
  void ask();
  open();
`);
const probe = await context.newPage();
for (;;) {
  const state = await probe.goto(CCP, { timeout: PAGE_LIMIT_MS }).then(
    () => 'opens',
    (error) => /ERR_\w+/.exec(String(error))?.[0] ?? 'fails',
  );
  tell('navigation', state);
  await delay(NAVIGATE_EVERY_MS);
}
