import process from 'node:process';
import { connectLocalApi } from '../../../../agent/local-api/client.ts';
import { LIMITS } from '../../../../agent/local-api/limits.ts';
import { listenLocalApi } from '../../../../agent/local-api/server.ts';
import { daemonKeys, goodHandlers, OWN_UID } from './staged-api.ts';

// A daemon of its own: listens until it is killed, or (`briefly`) serves one client, closes, and must then end by itself.
const [dir = '', manner = 'for-ever'] = process.argv.slice(2);
const api = await listenLocalApi({
  dir,
  users: async () => [OWN_UID],
  handlers: () => goodHandlers,
  key: daemonKeys.privateKey,
  limits: LIMITS,
  onFault: (fault) => process.stdout.write(`${fault.code}\n`),
});
if (manner === 'briefly') {
  const client = await connectLocalApi({ path: `${dir}/${OWN_UID}/api.sock` });
  const silent = await connectLocalApi({ path: `${dir}/${OWN_UID}/api.sock` });
  await client.snapshot();
  client.close();
  await api.close();
  process.stdout.write(`${(await silent.closed).code}\n`);
} else {
  process.stdout.write('listening\n');
}
