import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { runTool } from '../../../../../agent/activity/microphone/run-tool.ts';

describe.skipIf(process.platform === 'win32')('a tool [Windows has no sh]', () => {
  const sh = (script: string) => runTool({ paths: ['/nowhere/sh', '/bin/sh'], args: ['-c', script] });

  it('gives what it prints, where it succeeds', async () => {
    expect(await sh('echo yes; echo no >&2')).toBe('yes\n');
    expect(await sh('echo yes; exit 3')).toBeNull();
    expect(await sh('echo "$HOME"')).toBe('\n');
    expect(await runTool({ paths: ['/nowhere/sh'], args: [] })).toBeNull();
  });

  it('is killed at its deadline, also when what it started lives on', async () => {
    const beganMs = performance.now();
    expect(await sh('echo $$; /bin/sleep 4 & wait')).toBeNull();
    expect(performance.now() - beganMs).toBeLessThan(3_000);
  });

  it('is killed when it prints without end', async () => {
    const beganMs = performance.now();
    expect(await sh('while :; do echo 0123456789012345678901234567890123456789012345678901234567890123456789; done')).toBeNull();
    expect(performance.now() - beganMs).toBeLessThan(2_500);
  });
});

describe.skipIf(process.getuid?.() !== 0)('a tool as another user [needs root]', () => {
  it('has none of the daemon’s groups', async () => {
    expect(await runTool({ paths: ['/usr/bin/id'], args: ['-G'], uid: 47_999 })).toBe('65534\n');
    // Of a daemon that has some, as this test's process might not.
    const script = `import { runTool } from '${new URL('../../../../../agent/activity/microphone/run-tool.ts', import.meta.url).pathname}';
      console.log(JSON.stringify([process.getgroups(), await runTool({ paths: ['/usr/bin/id'], args: ['-G'], uid: 47_999 })]));`;
    const args = ['--groups', '4,27', process.execPath, '--import', 'tsx', '--input-type=module', '-e', script];
    const [own, tools] = JSON.parse(execFileSync('/usr/bin/setpriv', args, { encoding: 'utf8' })) as [number[], string];
    expect(own).toEqual(expect.arrayContaining([4, 27]));
    expect(tools).toBe('65534\n');
  });
});
