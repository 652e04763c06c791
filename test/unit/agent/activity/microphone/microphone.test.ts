import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { LinuxPlaces } from '../../../../../agent/activity/microphone/linux.ts';
import type { RunTool } from '../../../../../agent/activity/microphone/run-tool.ts';
import { createMicrophoneReader } from '../../../../../agent/activity/microphone.ts';
import { repoRoot } from '../../../../../build/repo.ts';

const recording = (name: string) => readFileSync(path.join(repoRoot, 'test/fixtures/microphone', name), 'utf8');
const running = recording('asound-status-running.txt');
const dirs: string[] = [];
afterEach(() => {
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true });
});

interface Desk {
  /** Of the capture substreams, each on a card of its own; null where the kernel has no ALSA. */
  cards: readonly string[] | null;
  sysClass?: Readonly<Record<string, readonly string[]>> | null;
  sockets?: readonly string[];
  /** What runs as 4242, the owner in the recording. */
  owner?: { uid: number; image: string; file: string };
}

const SOCKETS_HEADER = 'Num       RefCount Protocol Flags    Type St Inode Path';
const USER_SOCKETS = {
  pulse: '00000000f56a2b4c: 00000002 00000000 00010000 0001 01 1482900 RUN/1000/pulse/native',
  connected: '00000000f56a2b4d: 00000003 00000000 00000000 0001 03 1482901 RUN/1000/pulse/native',
  pipewire: '00000000f56a2b4e: 00000002 00000000 00010000 0001 01   82902 RUN/1000/pipewire-0',
  another: '00000000f56a2b4f: 00000002 00000000 00010000 0001 01 1482903 RUN/1001/pulse/native',
};

/** Some 75 bytes each. */
const strangers = (count: number) =>
  Array.from({ length: count }, (_, n) => `00000000f56a2b4c: 00000002 00000000 00010000 0001 01 1482900 @${`${n}`.padStart(12, 'x')}`);

function makeDesk({ cards, sysClass = { sound: ['card0'], net: [] }, sockets = [], owner }: Desk): LinuxPlaces {
  const root = mkdtempSync(path.join(tmpdir(), 'deskwarden-microphone-'));
  dirs.push(root);
  const at = (...names: string[]) => path.join(root, ...names);
  mkdirSync(at('proc'));
  for (const [index, status] of (cards ?? []).entries()) {
    mkdirSync(at(`asound/card${index}/pcm0c/sub0`), { recursive: true });
    writeFileSync(at(`asound/card${index}/pcm0c/sub0/status`), status);
    // Somebody always plays.
    mkdirSync(at(`asound/card${index}/pcm0p/sub0`), { recursive: true });
    writeFileSync(at(`asound/card${index}/pcm0p/sub0/status`), running);
  }
  if (cards) mkdirSync(at('asound/seq'), { recursive: true });
  for (const [name, devices] of Object.entries(sysClass ?? {})) {
    mkdirSync(at('class', name), { recursive: true });
    for (const device of devices) mkdirSync(at('class', name, device));
  }
  const runtimeDirs = at('run');
  writeFileSync(at('unix'), [SOCKETS_HEADER, ...sockets, ''].join('\n').replaceAll('RUN', runtimeDirs));
  if (owner) {
    mkdirSync(at('proc/4242'));
    writeFileSync(at('proc/4242/status'), `Name:\tx\nUid:\t${owner.uid}\t${owner.uid}\t${owner.uid}\t${owner.uid}\n`);
    // The image's name is where the link points, its owner where that leads.
    symlinkSync(owner.file, at(owner.image));
    symlinkSync(at(owner.image), at('proc/4242/exe'));
  }
  return { procDir: at('proc'), asoundDir: at('asound'), sysClassDir: at('class'), unixSocketsFile: at('unix'), runtimeDirs };
}

const unscripted: RunTool = async ({ paths, args }) => {
  throw new Error(`not scripted: ${paths[0]} ${args.join(' ')}`);
};

/** Each server says this when asked as its user, and nothing else may be run. */
function servers(answers: Readonly<Record<number, string | null>>): { run: RunTool; asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    run: async ({ paths, uid, env }) => {
      if (uid === undefined || !(uid in answers)) throw new Error(`not scripted: ${paths[0]} as ${uid}`);
      asked.push(`${path.basename(paths[0] ?? '')} ${uid} ${Object.keys(env ?? {})}`);
      return answers[uid] ?? null;
    },
  };
}

const recorder = (binary: string) => JSON.stringify([{ corked: false, properties: { 'application.process.binary': binary } }]);

async function say(desk: Desk, run: RunTool = unscripted, agents: readonly number[] = [1_000]): Promise<string[]> {
  const reader = createMicrophoneReader({ platform: 'linux', linux: makeDesk(desk), run });
  const signals = await reader.read(agents, 5_000);
  expect(signals.every(({ source, observedAtMs }) => source === 'microphone' && observedAtMs === 5_000)).toBe(true);
  return signals.map(({ side, says }) => `${side} ${says}`);
}

const alone = ['privileged idle'];
const unsure = ['privileged unknown'];
const closed = ['closed\n', 'closed\n'];
const inUse = ['closed\n', running];
const chrome = { uid: 1_000, image: 'chrome', file: '/bin/sh' };
const mouse = { sound: ['card0'], bluetooth: ['hci0', 'hci0:42'] };

describe('what the kernel alone tells', () => {
  it.each<[string, Desk, string[]]>([
    ['no ALSA in this kernel', { cards: null, sysClass: { net: [] } }, alone],
    ['no sound card', { cards: [], sysClass: { net: [], sound: ['timer'] } }, alone],
    ['nobody has a card open', { cards: closed }, alone],
    ['cards whose streams are hidden', { cards: null }, unsure],
    ['devices that are hidden', { cards: closed, sysClass: null }, unsure],
    ['a browser has a card open', { cards: inUse, owner: chrome }, ['privileged on-call']],
    ['a browser overruns', { cards: [running.replace('RUNNING', 'XRUN')], owner: chrome }, ['privileged on-call']],
    ['a browser that was updated since', { cards: inUse, owner: { ...chrome, image: 'chrome (deleted)' } }, ['privileged on-call']],
    ['the browser of one who is no agent', { cards: inUse, owner: { ...chrome, uid: 1_002 } }, unsure],
    ['a recorder', { cards: inUse, owner: { ...chrome, image: 'arecord' } }, unsure],
    ['an owner that is gone', { cards: inUse }, unsure],
    ['an owner of another pid namespace', { cards: [running.replace('4242', '0')], owner: chrome }, unsure],
    ['a state of another form', { cards: ['error -5\n'] }, unsure],
    ['a Bluetooth adapter without a link', { cards: closed, sysClass: { bluetooth: ['hci0'] } }, alone],
    ['a Bluetooth link', { cards: closed, sysClass: mouse }, unsure],
    ['a socket to which others are merely connected', { cards: closed, sockets: [USER_SOCKETS.connected] }, alone],
    ['the server of one who is no agent', { cards: closed, sockets: [USER_SOCKETS.another] }, alone],
  ])('%s', async (_name, desk, expected) => {
    expect(await say(desk)).toEqual(expected);
  });

  it('of more cards than are looked at nothing is told', async () => {
    const linux = makeDesk({ cards: closed });
    for (let card = 2; card <= 512; card += 1) mkdirSync(path.join(linux.asoundDir, `card${card}`));
    const says = await createMicrophoneReader({ platform: 'linux', linux, run: unscripted }).read([1_000], 0);
    expect(says).toMatchObject([{ side: 'privileged', says: 'unknown' }]);
  });

  it('a browser that a user could have made himself is not vouched for', async () => {
    const own = path.join(mkdtempSync(path.join(tmpdir(), 'deskwarden-own-')), 'browser');
    dirs.push(path.dirname(own));
    writeFileSync(own, '');
    chmodSync(own, 0o777);
    expect(await say({ cards: inUse, owner: { ...chrome, file: own } })).toEqual(unsure);
  });
});

describe('the kernel and the sound server together', () => {
  const kernels: Record<string, Desk> = {
    'nobody records': { cards: closed },
    'no ALSA': { cards: null, sysClass: { net: [] } },
    'the server records': { cards: inUse, owner: { ...chrome, image: 'pipewire' } },
    'a Bluetooth link': { cards: closed, sysClass: mouse },
  };
  const answers: Record<string, string | null> = {
    nobody: '[]',
    'a browser': recorder('chrome'),
    'a recorder': recorder('parecord'),
    'no answer': null,
    garbage: '[{',
  };
  const onCall = ['privileged unknown', 'session on-call'];
  const bothUnknown = ['privileged unknown', 'session unknown'];
  const truth: [string, string, string[]][] = [
    ['nobody records', 'nobody', ['privileged idle', 'session idle']],
    ['nobody records', 'a browser', onCall],
    ['nobody records', 'a recorder', bothUnknown],
    ['nobody records', 'no answer', bothUnknown],
    ['nobody records', 'garbage', bothUnknown],
    ['no ALSA', 'nobody', ['privileged idle', 'session idle']],
    ['no ALSA', 'a browser', onCall],
    ['no ALSA', 'no answer', bothUnknown],
    ['the server records', 'nobody', ['privileged unknown', 'session idle']],
    ['the server records', 'a browser', onCall],
    ['the server records', 'a recorder', bothUnknown],
    ['the server records', 'no answer', bothUnknown],
    ['a Bluetooth link', 'nobody', ['privileged unknown', 'session idle']],
    ['a Bluetooth link', 'a browser', onCall],
    ['a Bluetooth link', 'no answer', bothUnknown],
  ];
  it.each(truth)('%s, and it tells of %s', async (kernel, answer, expected) => {
    const { run, asked } = servers({ 1000: answers[answer] ?? null });
    expect(await say({ ...(kernels[kernel] as Desk), sockets: [USER_SOCKETS.pulse] }, run)).toEqual(expected);
    expect(asked).toEqual(['pactl 1000 PULSE_SERVER,PULSE_CLIENTCONFIG,LC_ALL']);
  });

  it('plain PipeWire is asked by its own tool, and only where it does not speak pulse', async () => {
    const { run, asked } = servers({ 1000: recording('pw-dump.json') });
    expect(await say({ cards: closed, sockets: [USER_SOCKETS.pipewire] }, run)).toEqual(onCall);
    expect(asked).toEqual(['pw-dump 1000 XDG_RUNTIME_DIR,PIPEWIRE_CONFIG_DIR,LC_ALL']);
    const both = servers({ 1000: '[]' });
    await say({ cards: closed, sockets: [USER_SOCKETS.pipewire, USER_SOCKETS.pulse] }, both.run);
    expect(both.asked).toHaveLength(1);
  });

  it('a server is found behind many sockets, and behind too many nothing is known', async () => {
    const many = servers({ 1000: recorder('chrome') });
    expect(await say({ cards: closed, sockets: [...strangers(40_000), USER_SOCKETS.pulse] }, many.run)).toEqual(onCall);
    const tooMany = servers({ 1000: recorder('chrome') });
    expect(await say({ cards: closed, sockets: [...strangers(60_000), USER_SOCKETS.pulse] }, tooMany.run)).toEqual(unsure);
    expect(tooMany.asked).toEqual([]);
  });

  it('a line that is read in two pieces is one', async () => {
    // A piece has 64 KiB; 40 bytes of the server's line are in the first.
    const [line = ''] = strangers(1);
    const filler = line.padEnd(64 * 1024 - 40 - `${SOCKETS_HEADER}\n\n`.length, 'x');
    expect(await say({ cards: closed, sockets: [filler, USER_SOCKETS.pulse] }, servers({ 1000: recorder('chrome') }).run)).toEqual(onCall);
  });

  it('one of several agents is enough', async () => {
    const sockets = [USER_SOCKETS.pulse, USER_SOCKETS.another];
    expect(await say({ cards: closed, sockets }, servers({ 1000: '[]', 1001: recorder('firefox') }).run, [1_000, 1_001])).toEqual(onCall);
    expect(await say({ cards: closed, sockets }, servers({ 1000: '[]', 1001: null }).run, [1_000, 1_001])).toEqual(bothUnknown);
  });

  it('more servers than are asked prove nothing', async () => {
    const uids = Array.from({ length: 9 }, (_, index) => 2_000 + index);
    const sockets = uids.map((uid) => USER_SOCKETS.pulse.replace('/1000/', `/${uid}/`));
    const { run, asked } = servers(Object.fromEntries(uids.map((uid) => [uid, '[]'])));
    expect(await say({ cards: closed, sockets }, run, uids)).toEqual(bothUnknown);
    expect(asked).toHaveLength(8);
  });
});

it('a look that does not end is not waited for, nor begun again', { timeout: 15_000 }, async () => {
  let looks = 0;
  const run: RunTool = () => {
    looks += 1;
    return new Promise(() => {});
  };
  const linux = makeDesk({ cards: closed, sockets: [USER_SOCKETS.pulse] });
  const reader = createMicrophoneReader({ platform: 'linux', linux, run });
  const beganMs = performance.now();
  const [first, second] = await Promise.all([reader.read([1_000], 1_000), reader.read([1_000], 2_000)]);
  expect(performance.now() - beganMs).toBeLessThan(4_500);
  expect([first, second]).toEqual([
    [{ source: 'microphone', side: 'privileged', says: 'unknown', observedAtMs: 1_000 }],
    [{ source: 'microphone', side: 'privileged', says: 'unknown', observedAtMs: 1_000 }],
  ]);
  expect(looks).toBe(1);
});

describe('elsewhere', () => {
  const scripted =
    (answers: Readonly<Record<string, string | null>>): RunTool =>
    async ({ paths, args, uid }) => {
      const call = `${paths[0]} ${args.join(' ')}`;
      if (!(call in answers) || uid !== undefined) throw new Error(`not scripted: ${call}`);
      return answers[call] ?? null;
    };
  const pmset = '/usr/bin/pmset -g assertions';
  const ps = '/bin/ps -ww -o pid=,uid=,comm= -p 821';
  const assertions = recording('pmset-assertions.txt');
  it.each<[string, Record<string, string | null>, string]>([
    ['a browser', { [pmset]: assertions, [ps]: ' 821 501 /Applications/Firefox.app/Contents/MacOS/firefox\n' }, 'on-call'],
    ['a recorder', { [pmset]: assertions, [ps]: ' 821 501 /usr/local/bin/rec\n' }, 'unknown'],
    ['a process that has ended', { [pmset]: assertions, [ps]: null }, 'unknown'],
    ['nobody', { [pmset]: assertions.replace('audio-in ', '') }, 'idle'],
    ['no tool', { [pmset]: null }, 'unknown'],
  ])('macOS: %s', async (_name, answers, says) => {
    const reader = createMicrophoneReader({ platform: 'darwin', run: scripted(answers) });
    expect(await reader.read([501], 7)).toEqual([{ source: 'microphone', side: 'privileged', says, observedAtMs: 7 }]);
  });

  const reg = 'C:\\Windows\\System32\\reg.exe query HKEY_USERS';
  const sids = ['S-1-5-21-1004336348-1177238915-682003330-1001', 'S-1-12-1-1234567890-1234567891-1234567892-1234567893'];
  const storeOf = (sid = '') =>
    `${reg}\\${sid}\\Software\\Microsoft\\Windows\\CurrentVersion\\CapabilityAccessManager\\ConsentStore\\microphone /s`;
  const nowFiletime = `0x${(BigInt(Date.now() + 11_644_473_600_000) * 10_000n).toString(16)}`;
  const chromeNow = recording('consent-store.txt').replaceAll('0x1dc1e3f4a2b3c4d', nowFiletime);
  const nobody = recording('consent-store.txt').replace('0x0', '0x1');
  it.each<[string, Record<string, string | null>, string]>([
    ['one of two', { [reg]: recording('hkey-users.txt'), [storeOf(sids[0])]: nobody, [storeOf(sids[1])]: chromeNow }, 'on-call'],
    ['neither', { [reg]: recording('hkey-users.txt'), [storeOf(sids[0])]: nobody, [storeOf(sids[1])]: nobody }, 'idle'],
    ['one without an answer', { [reg]: recording('hkey-users.txt'), [storeOf(sids[0])]: nobody, [storeOf(sids[1])]: null }, 'unknown'],
    ['no registry', { [reg]: null }, 'unknown'],
  ])('Windows: %s', async (_name, answers, says) => {
    const reader = createMicrophoneReader({ platform: 'win32', run: scripted(answers) });
    expect(await reader.read([], 7)).toEqual([{ source: 'microphone', side: 'session', says, observedAtMs: 7 }]);
  });
});
