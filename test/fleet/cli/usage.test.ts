import { describe, expect, it } from 'vitest';
import { commands } from '../../../fleet/cli/commands.ts';
import { table } from '../../../fleet/cli/table.ts';
import { runScripted } from './scripted-program.ts';

describe('the command line of the fleet server', () => {
  it.each(commands.map(({ name, options }) => [name, Object.keys(options)] as const))(
    'tells of %s and each of its options',
    async (name, options) => {
      const { status, out, err } = await runScripted([...name.split(' '), '--help']);
      expect([status, err]).toEqual([0, '']);
      expect(out).toMatch(new RegExp(`^Usage: deskwarden-fleet ${name} `));
      for (const option of [...options, 'config']) expect(out).toContain(`--${option}`);
      for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
    },
  );

  it('lists its commands, and says its version', async () => {
    for (const argv of [[], ['--help'], ['-h']]) {
      const { status, out } = await runScripted(argv);
      expect(status).toBe(0);
      for (const { name, summary } of commands) expect(out).toContain(`${name.padEnd(14)}  ${summary}`);
    }
    expect(await runScripted(['--version'])).toEqual({ status: 0, out: '1.2.3\n', err: '' });
  });

  it.each([
    [['desk'], 'deskwarden-fleet: no command "desk"; did you mean "desks"?\n'],
    [['policy', 'psh'], 'deskwarden-fleet: no command "policy psh"; did you mean "policy push"?\n'],
    [['frobnicate'], 'deskwarden-fleet: no command "frobnicate"\n'],
    [['desks', '--stading', 'clear'], 'deskwarden-fleet desks: unknown option --stading; did you mean --standing?\n'],
    [['desks', '--xyzzyx'], 'deskwarden-fleet desks: unknown option --xyzzyx\n'],
    [['desks', '--standing'], 'deskwarden-fleet desks: --standing needs a value\n'],
    [['desks', '--standing', '--json'], 'deskwarden-fleet desks: --standing needs a value\n'],
    [['desks', '--json=yes'], 'deskwarden-fleet desks: --json takes no value\n'],
    [['desks', '--tenant', 'a', '--tenant', 'b'], 'deskwarden-fleet desks: --tenant is given twice\n'],
    [['desks', 'more'], 'deskwarden-fleet desks: what is "more"?\n'],
    [['desks', '--standing', 'sad'], 'deskwarden-fleet desks: --standing sad: expected '],
    [['desks', '--__proto__'], 'deskwarden-fleet desks: unknown option --__proto__'],
    [['policy', 'push'], 'deskwarden-fleet policy push: something is missing\n'],
    [['ticket', 'create'], 'deskwarden-fleet ticket create: --out FILE is missing'],
    [['policy', 'push', '/nowhere.yaml'], 'deskwarden-fleet policy push: /nowhere.yaml cannot be read: ENOENT\n'],
    [['policy', 'sign', '--offline', '/nowhere.pem'], 'deskwarden-fleet policy sign: /nowhere.pem cannot be read: ENOENT\n'],
  ])('refuses %j with exit status 2', async (argv, expected) => {
    const { status, out, err } = await runScripted(argv);
    expect([status, out]).toEqual([2, '']);
    expect(err.startsWith(expected), err).toBe(true);
    if (expected.startsWith('deskwarden-fleet ')) expect(err).toContain('\nUsage: deskwarden-fleet ');
  });

  it('ends with 78 without a configuration, and 70 for a fault of its own', async () => {
    expect(await runScripted(['desks'])).toMatchObject({
      status: 78,
      out: '',
      err: 'deskwarden-fleet: fleet.yaml cannot be read (ENOENT)\n',
    });
    const failing = async () => {
      throw new Error('the port is taken');
    };
    expect(await runScripted(['serve'], { serve: failing })).toEqual({
      status: 70,
      out: '',
      err: 'deskwarden-fleet serve: the port is taken\n',
    });
    expect(await runScripted(['serve'], { serve: async () => {} })).toEqual({ status: 0, out: '', err: '' });
  });
});

describe('a table', () => {
  const rows = [
    [{ text: 'ab', color: 'red' as const }, { text: '日本' }, { text: 'a long reason that does not fit at all' }],
    [{ text: 'abcdef' }, { text: 'x' }, { text: 'evil\u001b[2J\r\n\u202ename' }],
  ];
  it('lines up by what is seen, cuts its last column at the edge, and lets no text steer the terminal', () => {
    expect(table(['One', 'Two', 'Why'], rows, { color: false, columns: 40 })).toBe(
      'One     Two   Why\nab      日本  a long reason that does n…\nabcdef  x     evil\ufffd[2J\ufffd\ufffd\ufffdname\n',
    );
    const wide = table(['One', 'Two', 'Why'], rows, { color: false, columns: 0 });
    expect(wide).toContain('does not fit at all');
    for (const columns of [1, 40, 200]) expect(table(['One', 'Two', 'Why'], rows, { color: false, columns })).not.toContain('\u001b');
  });
  it('is coloured when that is asked for, and as wide as without', () => {
    const colored = table(['One', 'Two', 'Why'], rows, { color: true, columns: 40 });
    expect(colored).toContain('\u001b[31mab\u001b[0m');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the colours are taken out
    expect(colored.replace(/\u001b\[\d+m/g, '')).toBe(table(['One', 'Two', 'Why'], rows, { color: false, columns: 40 }));
  });
});
