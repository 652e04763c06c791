import { toolPath } from '../../build/debian-tools.ts';
import { type Lab, withLab } from '../lab/with-lab.ts';
import { turnHosts } from '../lab/world.ts';
import { findOurs, say, type Table } from './ours.ts';

/** turnutils_stunclient waits for ever. */
const STUN_WAIT_MS = 3_000;
const TURN_WAIT_MS = 15_000;

export async function compareTurn(): Promise<Table> {
  const table: Table = [
    ['scenario', 'host', 'ours: Binding', 'turnutils_stunclient', 'ours: Allocate', 'turnutils_uclient', 'our finding'],
  ];
  for (const scenario of ['healthy', 'udp-blocked', 'udp-rejected', 'turn-silent', 'binding-silent', 'stun-only']) {
    table.push(...(await withLab(scenario, compareScenario)));
  }
  return table;
}

async function compareScenario(lab: Lab): Promise<Table> {
  const finding = await findOurs(lab, 'network.turn-udp');
  const { targets } = finding.evidence as {
    targets: { host: string; address: string | null; binding: boolean; allocate: number | null; icmp: string | null }[];
  };
  // All at once: each tool takes many seconds to give a silent host up.
  return Promise.all(
    Object.values(turnHosts).map(async (address) => {
      const ours = targets.find((target) => target.address === address);
      const [stun, turn] = await Promise.all([askStun(lab, address), askTurn(lab, address)]);
      const silent = ours?.icmp ?? 'no answer';
      return [
        lab.scenario,
        address,
        ours?.binding ? 'answer' : silent,
        stun,
        ours?.allocate === null || ours === undefined ? silent : `error ${ours.allocate}`,
        turn,
        say(finding),
      ];
    }),
  );
}

async function askStun(lab: Lab, address: string): Promise<string> {
  const { stdout, timedOut } = await lab.exec([toolPath('turnutils_stunclient'), '-p', '3478', address], { timeoutMs: STUN_WAIT_MS });
  return /reflexive addr/.test(stdout) ? 'answer' : timedOut ? 'waits for ever' : 'no answer';
}

async function askTurn(lab: Lab, address: string): Promise<string> {
  const argv = [toolPath('turnutils_uclient'), '-u', 'lab', '-w', 'lab', '-y', '-c', '-n', '2', '-m', '1', address];
  const { code, stdout, stderr, timedOut } = await lab.exec(argv, { timeoutMs: TURN_WAIT_MS });
  if (code === 0) return 'allocated with credentials';
  return timedOut
    ? 'waits for ever'
    : (/(Cannot complete Allocation|Connection refused|No route to host)/.exec(stdout + stderr)?.[1] ?? `exit ${code}`);
}
