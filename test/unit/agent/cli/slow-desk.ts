import process from 'node:process';
import { main } from '../../../../agent/cli/main.ts';
import { bundledAllowlist } from '../../../../checks/allowlist/bundled.ts';
import { catalog } from '../../../../checks/catalog.ts';
import { noDaemon } from './no-daemon.ts';
import { blockedRun } from './sample-run.ts';

// The command line over a run that never ends by itself. `polite` heeds the abort; `deaf` does not.
const [manner, ...argv] = process.argv.slice(2);

await main(
  argv,
  {
    version: '0.0.0',
    checks: catalog,
    allowlist: bundledAllowlist,
    ...noDaemon,
    run: ({ policy, signal, onProgress }) =>
      new Promise((_, reject) => {
        onProgress({ kind: 'started', rules: policy.rules.map(({ id, check }) => ({ rule: id, check })), notRun: [] });
        onProgress({ kind: 'endpoint', endpoint: 'acme.my.connect.aws:443/tcp', step: 'tls', state: 'started', detail: '' });
        onProgress({
          kind: 'endpoint',
          endpoint: 'participant.connect.us-west-2.amazonaws.com:443/tcp',
          step: 'http',
          state: 'ok',
          detail: '200',
        });
        onProgress({
          kind: 'endpoint',
          endpoint: 'turnnlb-d76454ac48d20c1e.elb.us-west-2.amazonaws.com:3478/udp',
          step: 'udp',
          state: 'failed',
          detail: 'timed-out',
        });
        for (const finding of blockedRun.findings) onProgress({ kind: 'finding', round: 0, finding });
        const alive = setInterval(() => {}, 1_000);
        if (manner === 'polite') {
          signal.addEventListener('abort', () => {
            clearInterval(alive);
            reject(signal.reason);
          });
        }
        if (manner === 'broken') {
          clearInterval(alive);
          reject(new TypeError('the \u001b[31mimpossible\u001b[0m happened'));
        }
      }),
  },
  { language: 'en', unicode: true, color: true, live: true, uid: 0, debug: process.env.DESKWARDEN_DEBUG === '1' },
);
