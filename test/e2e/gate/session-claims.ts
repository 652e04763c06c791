// A user who tells the daemon of a call that is none, once a second, by the interface that his programs have. Runs under the
// agent's uid; takes the directory of the interface. Prints the first answer, and every one that is another than before.
import { setInterval } from 'node:timers/promises';
import { readDaemonPublicKey } from '../../../agent/daemon/daemon-key.ts';
import { connectLocalApi } from '../../../agent/local-api/client.ts';
import { localApiPath } from '../../../contracts/local-link/address.ts';

const EVERY_MS = 1_000;
const [runDir = ''] = process.argv.slice(2);
const uid = process.getuid?.() ?? 0;
const key = await readDaemonPublicKey(runDir);
if (!key) throw new Error(`no key of a daemon in ${runDir}`);

const client = await connectLocalApi({ path: localApiPath(runDir, uid), verify: { key, uid } });
let told = '';
for await (const _ of setInterval(EVERY_MS)) {
  const answer = JSON.stringify(await client.reportActivity({ says: 'on-call' }));
  if (answer !== told) console.log(answer);
  told = answer;
}
