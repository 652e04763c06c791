import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { PolicyBrowser } from '../../../../../agent/gate/browser-policy/browsers.ts';
import { createLinuxBrowserPolicy } from '../../../../../agent/gate/browser-policy/linux-browser-policy.ts';
import type { Enforcer, GateOrder } from '../../../../../agent/gate/enforcer.ts';
import { type Ledger, openLedger } from '../../../../../agent/gate/ledger.ts';
import type { EnforcerStatus, EnforcerTarget } from '../../../../../contracts/enforcer.ts';

export const HOST = 'acme.my.connect.aws';

export function order(closed: boolean, ccpHosts: readonly string[] = [HOST]): GateOrder {
  return { closed, scope: { ccpHosts, transportHosts: [], mediaPrefixes: [], sharedPrefixes: [] }, agentUids: [1_000] };
}

/** A computer in a directory: browsers that are installed, their policies, and the processes that run. */
export interface StagedDesk {
  root: string;
  chromium: PolicyBrowser;
  firefox: PolicyBrowser;
  managedDir: string;
  ownPath: string;
  firefoxPath: string;
  stateDir: string;
  ledger: Ledger;
  enforcer: Enforcer;
  /** As the daemon after a restart: what it remembers is gone, what is on the disk is not. */
  restart(): Promise<void>;
  nowS: number;
  install(browser: 'chromium' | 'firefox'): Promise<void>;
  /** Starts a browser now, or then; returns what ends it. */
  start(executable: string, startedS?: number, parent?: number): Promise<() => Promise<void>>;
  putOther(name: string, content: unknown): Promise<void>;
  hold(closed: boolean, hosts?: readonly string[]): Promise<EnforcerStatus>;
  /** The state of one target, then the codes of its notes; null when it is none. */
  verdict(status: EnforcerStatus, target: string): string | null;
  remove(): Promise<void>;
}

export async function stageDesk(): Promise<StagedDesk> {
  const root = await mkdtemp(path.join(tmpdir(), 'deskwarden-browser-'));
  await chmod(root, 0o755);
  const at = (...parts: string[]) => path.join(root, ...parts);
  for (const dir of ['etc', 'bin', 'proc', 'state']) await mkdir(at(dir));
  const chromium: PolicyBrowser = {
    target: 'chromium',
    dirs: [at('etc/chromium'), at('etc/chromium/policies'), at('etc/chromium/policies/managed')],
    programs: [at('bin/chromium')],
    executables: ['chromium'],
  };
  const firefox: PolicyBrowser = {
    target: 'firefox',
    dirs: [at('etc/firefox'), at('etc/firefox/policies')],
    programs: [at('bin/firefox')],
    executables: ['firefox', 'firefox-esr'],
  };
  const managedDir = at('etc/chromium/policies/managed');
  let pids = 100;

  const desk: StagedDesk = {
    root,
    chromium,
    firefox,
    managedDir,
    ownPath: path.join(managedDir, 'zz-deskwarden.json'),
    firefoxPath: at('etc/firefox/policies/policies.json'),
    stateDir: at('state'),
    ledger: await openLedger(at('state')),
    enforcer: { name: 'browser-policy', hold: () => Promise.reject(new Error('not started')) },
    async restart() {
      desk.ledger = await openLedger(desk.stateDir);
      const bootMs = () => desk.nowS * 1_000;
      desk.enforcer = createLinuxBrowserPolicy({ ledger: desk.ledger, chromiumFamily: [chromium], firefox, procDir: at('proc'), bootMs });
    },
    nowS: 10_000,
    install: (browser) => writeFile(at('bin', browser), ''),
    async start(executable, startedS = desk.nowS, parent = 1) {
      pids += 1;
      const dir = at('proc', String(pids));
      await mkdir(dir);
      await symlink(`/usr/lib/browser/${executable}`, path.join(dir, 'exe'));
      const fields = ['S', parent, ...Array(17).fill(0), startedS * 100, 0];
      await writeFile(path.join(dir, 'stat'), `${pids} (a) b (c) ${fields.join(' ')}\n`);
      return () => rm(dir, { recursive: true });
    },
    async putOther(name, content) {
      await mkdir(managedDir, { recursive: true });
      await writeFile(path.join(managedDir, name), typeof content === 'string' ? content : JSON.stringify(content));
    },
    hold: (closed, hosts) => desk.enforcer.hold(order(closed, hosts)),
    verdict: (status, name) => said(status.targets.find((one) => one.target === name)),
    remove: () => rm(root, { recursive: true, force: true }),
  };
  await desk.restart();
  return desk;
}

function said(target: EnforcerTarget | undefined): string | null {
  return target ? [target.state, ...target.notes.map((one) => one.code)].join(' ') : null;
}

/** Every file and directory below, so that a test sees what is left. */
export async function tree(dir: string): Promise<string[]> {
  return (await readdir(dir, { recursive: true })).sort();
}

export async function readJson(file: string): Promise<unknown> {
  return JSON.parse(await readFile(file, 'utf8'));
}
