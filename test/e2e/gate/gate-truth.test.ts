import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { firefoxBrowser } from '../../../agent/gate/browser-policy/browsers.ts';
import { EnforcerStatus } from '../../../contracts/enforcer.ts';
import { whyNoLab } from '../../lab/with-lab.ts';
import { instanceHost, webHosts } from '../../lab/world.ts';
import { asAgent, type EnforcedDesk } from './enforced-desk.ts';
import { openEnforcedDesk } from './open-enforced-desk.ts';

const why = whyNoLab();
const STARTS_MS = 90_000;
const CASE_MS = 90_000;
const HEALS_MS = 10_000;
const MANAGED = '/etc/chromium/policies/managed';

interface Conflict {
  name: string;
  /** Resolves to what takes it away again. */
  stage: (desk: EnforcedDesk) => Promise<() => Promise<void>>;
  /** It counts only for what is closed after it. */
  beforeClosing?: true;
  /** Where, how bad, and why, as `--json` says it. */
  target: string;
  state: 'conflict' | 'degraded';
  codes: readonly string[];
  /** As the pages say it, in one line each. */
  says: { en: readonly string[]; 'zh-TW': readonly string[] };
  /** What the agent meets at the CCP's host for as long as it lasts. */
  agentMeets: 'ECONNREFUSED' | 'open';
}

/** By two commands of root's on the desk. */
const byRoot = (there: string, away: string) => async (desk: EnforcedDesk) => {
  await asRoot(desk, there);
  return () => asRoot(desk, away);
};

const notWritten = {
  target: 'chromium',
  state: 'degraded',
  codes: ['write-failed'],
  agentMeets: 'ECONNREFUSED',
} as const;

const conflicts: readonly Conflict[] = [
  {
    name: 'other policies allow the CCP, whatever their names',
    stage: byRoot(
      `for name in 00-site.json zzz-site.json; do echo '{"URLAllowlist": [".${instanceHost}"]}' > ${MANAGED}/$name; done`,
      `rm ${MANAGED}/00-site.json ${MANAGED}/zzz-site.json`,
    ),
    target: 'chromium',
    state: 'conflict',
    codes: ['foreign-allowlist', 'foreign-allowlist'],
    says: {
      en: ['Chromium: conflict: something else overrides it', `[${MANAGED}/00-site.json: .${instanceHost}]`, `[${MANAGED}/zzz-site.json:`],
      'zh-TW': ['Chromium：衝突', `[${MANAGED}/00-site.json: .${instanceHost}]`],
    },
    agentMeets: 'ECONNREFUSED',
  },
  {
    name: 'a file of later name has a list of its own',
    stage: byRoot(`echo '{"URLBlocklist": ["example.com"]}' > ${MANAGED}/zzz-mdm.json`, `rm ${MANAGED}/zzz-mdm.json`),
    target: 'chromium',
    state: 'conflict',
    codes: ['later-file'],
    says: {
      en: [
        'Chromium: conflict: something else overrides it',
        'A file of later name replaces this list',
        `[${MANAGED}/zzz-mdm.json: URLBlocklist]`,
      ],
      'zh-TW': ['Chromium：衝突', `[${MANAGED}/zzz-mdm.json: URLBlocklist]`],
    },
    agentMeets: 'ECONNREFUSED',
  },
  {
    ...notWritten,
    name: 'browsers cannot read the directory',
    stage: byRoot(`chmod 0000 ${MANAGED}`, `chmod 0755 ${MANAGED}`),
    says: {
      en: ['Chromium: degraded', `${MANAGED}: browsers cannot read it`],
      'zh-TW': ['Chromium：', `${MANAGED}: browsers cannot read it`],
    },
  },
  {
    ...notWritten,
    name: 'a symbolic link leads to the directory',
    stage: byRoot(
      'mv /etc/chromium/policies /etc/chromium/elsewhere; ln -s elsewhere /etc/chromium/policies',
      'rm /etc/chromium/policies; mv /etc/chromium/elsewhere /etc/chromium/policies',
    ),
    says: { en: ['Chromium: degraded', '/etc/chromium/policies: a symbolic link'], 'zh-TW': ['Chromium：', 'a symbolic link'] },
  },
  {
    name: 'nft is missing',
    stage: byRoot(
      // A file system over it from which nft is gone.
      'cd "$LAB_DIR"; mkdir -p over; mount -t tmpfs tmpfs over; mkdir over/upper over/work; mount -t overlay overlay -o lowerdir=/usr/sbin,upperdir=over/upper,workdir=over/work /usr/sbin; rm /usr/sbin/nft',
      'umount /usr/sbin; umount "$LAB_DIR/over"',
    ),
    beforeClosing: true,
    target: 'tcp-443',
    state: 'degraded',
    codes: ['tool-missing'],
    says: {
      en: ['TCP 443: degraded', 'UDP 3478: degraded', 'A tool that it needs is not on this computer: install it. [nft]'],
      'zh-TW': ['TCP 443：', '[nft]'],
    },
    agentMeets: 'open',
  },
  {
    name: 'a Firefox runs that started before',
    stage: async (desk) => {
      const copy = `${desk.lab.dir}/firefox-esr`;
      await asRoot(desk, `cp /bin/sleep ${copy}; chmod 0755 ${copy}`);
      const firefox = desk.spawn(asAgent([copy, 'infinity']), { stdio: 'ignore' });
      await once(firefox, 'spawn');
      // It is setpriv, and only then what it runs.
      await delay(500);
      return async () => {
        const ended = once(firefox, 'exit');
        firefox.kill();
        await ended;
      };
    },
    beforeClosing: true,
    target: 'firefox',
    state: 'degraded',
    codes: ['needs-restart'],
    says: {
      en: ['Mozilla Firefox: degraded', 'close all its windows once. [1 running]'],
      'zh-TW': ['Mozilla Firefox：', '[1 running]'],
    },
    agentMeets: 'ECONNREFUSED',
  },
];

const head = {
  en: ['The Contact Control Panel should be closed. Not everything that should hold it closed does so'],
  'zh-TW': ['Contact Control Panel 應為關閉。', '應使其關閉的機制未全部生效'],
};

const hasFirefox = firefoxBrowser.programs.some((program) => existsSync(program));

async function asRoot(desk: EnforcedDesk, script: string): Promise<void> {
  const { code, stderr } = await desk.exec(['/bin/sh', '-ec', script]);
  if (code !== 0) throw new Error(`${script} ended with ${code}: ${stderr}`);
}

/** What a connection of the agent's to the CCP ends with. */
async function agentMeets(desk: EnforcedDesk): Promise<string> {
  const script = `require('net').connect(443, '${webHosts[instanceHost]}').on('connect', () => (console.log('open'), process.exit())).on('error', (e) => console.log(e.code))`;
  const { stdout } = await desk.exec(asAgent([process.execPath, '-e', script]));
  return stdout.trim();
}

async function gateStatus(desk: EnforcedDesk) {
  const { code, stdout } = await desk.cli('gate', 'status', '--json');
  const { gate, enforcers } = JSON.parse(stdout);
  const targets = EnforcerStatus.array()
    .parse(enforcers)
    .flatMap((one) => one.targets.map((target) => ({ ...target, wanted: one.wanted })));
  return { code, state: gate.state as string, targets, of: (name: string) => targets.find(({ target }) => target === name) };
}

type Told = Awaited<ReturnType<typeof gateStatus>>;

async function until(desk: EnforcedDesk, what: string, holds: (told: Told) => boolean, withinMs: number): Promise<Told> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const told = await gateStatus(desk);
    if (holds(told)) return told;
    if (performance.now() > deadline) throw new Error(`not ${what} within ${withinMs} ms: ${JSON.stringify(told)}`);
    await delay(200);
  }
}

/** One line, whatever the width was. */
async function page(desk: EnforcedDesk, lang: string): Promise<{ code: number; line: string }> {
  const { code, stdout } = await desk.cli('gate', 'status', '--lang', lang);
  return { code, line: stdout.replace(/\s+/g, ' ') };
}

/** Another browser that runs on this machine may keep it from being more than written. */
const isWell = ({ wanted, state }: Told['targets'][number]) => wanted === 'closed' && (state === 'confirmed' || state === 'written');

describe.skipIf(why !== null)(`what "deskwarden gate status" tells of a gate that does not hold${why === null ? '' : `: ${why}`}`, () => {
  let desk: EnforcedDesk;
  let leave: () => Promise<void> = async () => {};

  beforeAll(async () => {
    ({ desk, leave } = await openEnforcedDesk());
    // Where packets cannot be counted it is not known whether there is a call, and this is not about drains.
    await desk.publish((file) => Object.assign(file, { gate: { mode: 'enforce', maxDrainMs: 0 } }));
    await desk.startDaemon();
    await desk.until('clear and acting', ({ verdict, gate }) => verdict?.standing === 'clear' && gate.acting);
  }, STARTS_MS);
  afterAll(() => leave());

  for (const { name, stage, beforeClosing, target, state, codes, says, agentMeets: meets } of conflicts) {
    const absent = target === 'firefox' && !hasFirefox ? 'no Firefox is installed' : null;
    it.skipIf(absent !== null)(`${name}${absent === null ? '' : `: ${absent}`}`, { timeout: CASE_MS }, async () => {
      if (beforeClosing) {
        await desk.mendCanary();
        await until(desk, 'open', (told) => told.state === 'open', CASE_MS / 3);
      } else {
        await desk.breakCanary();
        await until(desk, 'closed by all', (told) => told.state === 'closed' && told.targets.every(isWell), CASE_MS / 3);
      }
      const undo = await stage(desk);
      try {
        await desk.breakCanary();
        const told = await until(desk, name, (one) => one.state === 'closed' && one.of(target)?.state === state, CASE_MS / 3);
        // Another browser may have started on this machine a moment ago.
        expect(told.of(target)?.notes.flatMap(({ code }) => (code === 'settling' ? [] : code))).toEqual(codes);
        expect(told.code).toBe(1);
        const others = told.targets.filter((one) => one.target !== target && one.state !== told.of(target)?.state);
        expect(others.filter((one) => !isWell(one))).toEqual([]);
        expect(others.map((one) => one.target)).toContain(target === 'chromium' || target === 'firefox' ? 'tcp-443' : 'chromium');
        expect(await agentMeets(desk)).toBe(meets);
        for (const [lang, words] of Object.entries(says)) {
          const { code, line } = await page(desk, lang);
          expect(code).toBe(1);
          for (const word of [...words, ...head[lang as keyof typeof head]]) expect(line).toContain(word);
        }
      } finally {
        await undo();
      }
      const undoneMs = performance.now();
      const healed = await until(desk, 'healed', (one) => one.targets.every(isWell), HEALS_MS);
      console.log(`${name}: healed ${Math.round(performance.now() - undoneMs)} ms after it was gone`);
      expect(healed).toMatchObject({ code: 0, state: 'closed' });
      expect(await agentMeets(desk)).toBe('ECONNREFUSED');
      expect((await page(desk, 'en')).line).toContain('The Contact Control Panel is closed. Why:');
    });
  }
});
