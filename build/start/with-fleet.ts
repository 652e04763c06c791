import { rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { repoRoot } from '../repo.ts';
import { attend } from './attend.ts';
import type { Desk } from './desk.ts';
import { type DeskDaemon, prepareDaemon } from './desk-daemon.ts';
import { isFresh, type StartedFleet, startFleet } from './fleet.ts';
import { openTray } from './tray.ts';

/** A report is due within a second of the first verdict. Where nothing can be decided, the list is shown as it is. */
const FIRST_REPORT_MS = 15_000;
const LOOK_MS = 500;

export interface FleetStart {
  desk: Desk;
  cli: readonly string[];
  /** On 127.0.0.1; the first stays the same from one start to the next, since the desk has enrolled there. */
  ports: { device: number; console: number };
  /** Database, keys and the desk's identity, kept from one start to the next. */
  keepDir: string;
  /** Goes on until it is told to stop; else it ends once the first report is stored. */
  keep: boolean;
  stop: AbortSignal;
  say: (line: string) => void;
}

/** A fleet server, this desk enrolled with it and watched by its daemon, which observes. Resolves to an exit status. */
export async function runWithFleet({ desk, cli, ports, keepDir, keep, stop, say }: FleetStart): Promise<number> {
  const fleetDir = path.join(keepDir, 'fleet');
  const isFirst = isFresh(fleetDir);
  say(
    isFirst
      ? '\nStarting a fleet server, for the first time: it makes its database, authority and keys ...'
      : '\nStarting the fleet server ...',
  );
  const place = { dir: fleetDir, instance: desk.instance, devicePort: ports.device, consolePort: ports.console };
  const fleet = await startFleet({ ...place, stop, say });
  try {
    if (desk.apart) await relayTo(fleet, ports.device, desk, stop);
    const daemon = await prepareDaemon(desk, { cli, stateDir: path.join(keepDir, 'desk'), stop, say });
    await obey(fleet, desk);
    if (!daemon.isEnrolled()) await enrol(fleet, daemon, desk, say);
    return await watch(fleet, daemon, { desk, isFirst, keep, stop, say });
  } finally {
    await fleet.stop();
  }
}

async function relayTo(fleet: StartedFleet, port: number, desk: Desk, stop: AbortSignal): Promise<void> {
  const socketPath = path.join(desk.dir, 'fleet.sock');
  await fleet.relay(socketPath);
  const program = path.join(repoRoot, 'build', 'start', 'relay.ts');
  const relay = desk.spawn([process.execPath, '--import', 'tsx', program, String(port), socketPath], {
    cwd: repoRoot,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  void attend(relay, stop, 1_000);
  await new Promise<void>((resolve, reject) => {
    relay.stdout?.once('data', () => resolve());
    relay.once('exit', (code) => reject(new Error(`the relay to the fleet server ended with ${code}`)));
  });
}

/** The desk's policy becomes the fleet's: signed, and for every desk of the instance. */
async function obey(fleet: StartedFleet, desk: Desk): Promise<void> {
  await must(fleet, ['policy', 'push', desk.policyPath, '--publish', '--assign']);
}

async function enrol(fleet: StartedFleet, daemon: DeskDaemon, desk: Desk, say: (line: string) => void): Promise<void> {
  const ticketPath = path.join(desk.dir, 'ticket');
  await must(fleet, ['ticket', 'create', '--out', ticketPath, '--approve', 'automatic']);
  try {
    say('Enrolling this desk with a ticket for one use ...');
    const code = await daemon.command(['enrol', '--server', fleet.deviceUrl, '--ticket-file', ticketPath]);
    if (code !== 0) throw new Error(`deskwarden enrol ended with ${code}`);
  } finally {
    await rm(ticketPath, { force: true });
  }
}

interface Watching {
  desk: Desk;
  isFirst: boolean;
  keep: boolean;
  stop: AbortSignal;
  say: (line: string) => void;
}

async function watch(fleet: StartedFleet, daemon: DeskDaemon, { desk, isFirst, keep, stop, say }: Watching): Promise<number> {
  const { decided, ended, tell, end } = daemon.run();
  await decided;
  if (!stop.aborted) {
    await firstReport(fleet, stop);
    say('\nThe daemon watches this desk, and observes. `deskwarden-fleet desks`:\n');
    await fleet.command(['desks'], { show: true });
    say(`\nAPI and its documentation  ${fleet.consoleUrl}/api/docs   (its certificate is of the server's own authority)`);
    if (isFirst) await fleet.command(['admin', 'link'], { show: true });
    else say(`A link to sign in with      npx deskwarden-fleet admin link --config ${fleet.configPath}`);
    if (keep) {
      await openTray({ desk, runDir: daemon.runDir, stop, say });
      say(`\nIt goes on until Ctrl-C. From another terminal:\n  DESKWARDEN_CONFIG=${daemon.configPath} npx deskwarden status\n`);
      tell();
    } else end();
  }
  return ended;
}

async function firstReport(fleet: StartedFleet, stop: AbortSignal): Promise<void> {
  const deadline = performance.now() + FIRST_REPORT_MS;
  while (!stop.aborted && performance.now() < deadline) {
    const { out } = await fleet.command(['desks', '--json']);
    const { items } = JSON.parse(out) as { items: { reportedAt: string | null; standing: string }[] };
    if (items.some((item) => item.reportedAt !== null && item.standing !== 'undetermined')) return;
    await delay(LOOK_MS);
  }
}

async function must(fleet: StartedFleet, argv: readonly string[]): Promise<void> {
  const { code } = await fleet.command(argv);
  if (code !== 0) throw new Error(`deskwarden-fleet ${argv.slice(0, 2).join(' ')} ended with ${code}`);
}
