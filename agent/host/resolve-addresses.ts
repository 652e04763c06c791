import { Resolver } from 'node:dns/promises';

/** Two tries of this each, then the answer of another time has to do. */
const TRY_MS = 1_500;
const TRIES = 2;

/** What DNS says of a name that does not exist, or has no address of the family. */
const NOWHERE = ['ENOTFOUND', 'ENODATA'];

/** A name's addresses of both families by this computer's DNS servers; none where it does not exist. Rejects when that could not be told. */
export async function resolveAddresses(host: string): Promise<string[]> {
  const resolver = new Resolver({ timeout: TRY_MS, tries: TRIES });
  const answers = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
  const found = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  const unanswered = answers.find((answer) => answer.status === 'rejected' && !NOWHERE.includes(answer.reason?.code));
  if (found.length === 0 && unanswered?.status === 'rejected') throw unanswered.reason;
  return found;
}
