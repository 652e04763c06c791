import { toolPath } from '../../build/debian-tools.ts';
import { type Lab, withLab } from '../lab/with-lab.ts';
import { findOurs, say, type Table } from './ours.ts';

const NAMES = ['acme.my.connect.aws', 'TurnNlb-8d79b4466d82ad0e.elb.us-west-2.amazonaws.com'];
const DEADLINE_MS = 20_000;

export async function compareDns(): Promise<Table> {
  const table: Table = [['scenario', 'name', 'ours', 'dig', 'our finding']];
  for (const scenario of ['healthy', 'dns-blocked', 'dns-hijack', 'turn-dns-blocked'])
    table.push(...(await withLab(scenario, compareScenario)));
  return table;
}

async function compareScenario(lab: Lab): Promise<Table> {
  const finding = await findOurs(lab, 'network.dns');
  const { names } = finding.evidence as { names: { name: string; code: string; addresses: string[] }[] };
  return Promise.all(
    NAMES.map(async (name) => {
      const ours = names.find((entry) => entry.name === name);
      const { stdout } = await lab.exec([toolPath('dig'), '+tries=1', '+time=2', name, 'A'], { timeoutMs: DEADLINE_MS });
      const status = /status: (\w+)/.exec(stdout)?.[1] ?? 'no servers could be reached';
      const addresses = [...stdout.matchAll(/^[^;].*\sIN\s+A\s+(\S+)/gm)].map((match) => match[1] ?? '');
      return [
        lab.scenario,
        name,
        ours ? `${ours.code} ${ours.addresses.join(' ')}`.trim() : '-',
        `${status} ${addresses.join(' ')}`.trim(),
        say(finding),
      ];
    }),
  );
}
