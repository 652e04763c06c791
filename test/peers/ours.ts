import type { Finding } from '../../contracts/finding.ts';
import { CheckDocument } from '../../contracts/report.ts';
import { shippedCli } from '../e2e/shipped-cli.ts';
import type { Lab } from '../lab/with-lab.ts';

/** Cells of a table: a head, then rows. */
export type Table = string[][];

const DEADLINE_MS = 60_000;

/** What the shipped command line finds by one check. */
export async function findOurs(lab: Lab, check: string): Promise<Finding> {
  const argv = [...shippedCli, 'check', '--policy', lab.policyPath, '--json', '--only', check];
  const { stdout, stderr } = await lab.exec(argv, { timeoutMs: DEADLINE_MS });
  const finding = stdout === '' ? undefined : CheckDocument.parse(JSON.parse(stdout)).findings.find((one) => one.check === check);
  if (!finding) throw new Error(`${check} gave no finding: ${stderr}`);
  return finding;
}

export function say({ outcome }: Finding): string {
  if (outcome.kind === 'pass' || outcome.kind === 'not-applicable') return outcome.kind;
  return outcome.kind === 'unknown' ? `unknown(${outcome.cause})` : `${outcome.kind}(${outcome.reason})`;
}
