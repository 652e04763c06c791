import { it } from 'vitest';
import { withEnforcedDesk } from '../e2e/gate/enforced-desk.ts';
it('raise', { timeout: 60000 }, async () => {
  const t0 = performance.now();
  const say = (w: string) => process.stderr.write(`${w} ${Math.round(performance.now() - t0)}\n`);
  await withEnforcedDesk(async (desk) => {
    say('raised');
    const d = await desk.startDaemon();
    await desk.until('acting', (s) => s.gate.acting && s.verdict?.standing === 'clear');
    say('acting');
    await desk.snapshot(); say('snapshot');
    await desk.breakCanary();
    await desk.until('closed', (s) => s.gate.state === 'closed');
    say('closed');
    process.stderr.write(JSON.stringify(await desk.snapshot(), null, 1));
    await desk.cli('gate', 'status').then((r) => process.stderr.write(r.stdout + r.stderr));
    say('status');
    process.stderr.write(d.log().map((l) => JSON.stringify(l)).join('\n'));
    process.stderr.write((await desk.exec(['/bin/sh', '-c', 'ls -la $LAB_DIR $LAB_DIR/state $LAB_DIR/state/*; cat /proc/mounts | head -40'])).stdout);
    await d.stop();
    say('stopped');
  });
  say('gone');
});
