import { describe, expect, it } from 'vitest';
import { fillInArguments, parseArguments } from '../../lab/arguments.ts';

it.each([
  ['a command', ['healthy', '--', 'dig', '--', '-x'], { kind: 'run', scenario: 'healthy', command: ['dig', '--', '-x'], verbose: false }],
  ['a shell', ['healthy'], { kind: 'run', scenario: 'healthy', command: [], verbose: false }],
  ['verbose', ['--verbose', 'lossy', '--', 'true'], { kind: 'run', scenario: 'lossy', command: ['true'], verbose: true }],
  ['options of the command', ['lossy', '--', 'x', '--list'], { kind: 'run', scenario: 'lossy', command: ['x', '--list'], verbose: false }],
  ['the list', ['--list'], { kind: 'list' }],
  ['help', ['healthy', '-h'], { kind: 'help' }],
  ['nothing', [], { kind: 'wrong', problem: 'which scenario?' }],
  ['an unknown option', ['--fast', 'healthy'], { kind: 'wrong', problem: 'no option "--fast"' }],
  ['a forgotten --', ['healthy', 'dig', 'x'], { kind: 'wrong', problem: 'write "--" before the command: healthy -- dig x' }],
  ['a forgotten command', ['healthy', '--'], { kind: 'wrong', problem: 'a command is missing after "--"' }],
])('%s', (_, argv, request) => {
  expect(parseArguments(argv)).toEqual(request);
});

describe('fillInArguments', () => {
  const env = { LAB_POLICY: '/lab/policy.yaml', LAB_DIR: '/lab' };
  it.each([
    ['single quotes around $LAB_POLICY', ['check', '--policy', '$LAB_POLICY'], ['check', '--policy', '/lab/policy.yaml']],
    ['double quotes around it', ['check', '--policy', '', '--json'], ['check', '--policy', '/lab/policy.yaml', '--json']],
    ['a name inside a word', ['cat', '$LAB_DIR/root.pem'], ['cat', '/lab/root.pem']],
    ['a script that reads them itself', ['sh', '-c', 'cat "$LAB_POLICY"'], ['sh', '-c', 'cat "/lab/policy.yaml"']],
    ['an empty argument elsewhere', ['grep', '', 'file'], ['grep', '', 'file']],
    ['a name that is none of ours', ['echo', '$LAB_NOTHING', '$HOME'], ['echo', '$LAB_NOTHING', '$HOME']],
  ])('%s', (_name, argv, expected) => {
    expect(fillInArguments(argv, env)).toEqual(expected);
  });
});
