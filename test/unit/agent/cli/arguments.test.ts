import { describe, expect, it } from 'vitest';
import { type Command, parseArguments } from '../../../../agent/cli/arguments.ts';

const known = { checks: ['network.dns', 'network.turn-udp', 'tls.handshake'], regions: ['us-west-2', 'us-east-1', 'eu-west-2'] };
const parse = (line: string) => parseArguments(line === '' ? [] : line.split(' '), known);

const check: Command = {
  kind: 'check',
  source: { kind: 'instance', alias: 'acme', region: 'us-west-2' },
  only: null,
  output: { kind: 'table' },
  lang: null,
  color: true,
};
const base = 'check --instance acme --region us-west-2';

describe('parseArguments', () => {
  it.each<[string, Command]>([
    ['--help', { kind: 'help', topic: '' }],
    ['-h', { kind: 'help', topic: '' }],
    ['--version', { kind: 'version' }],
    ['check --help', { kind: 'help', topic: 'check' }],
    ['check --region nowhere --help', { kind: 'help', topic: 'check' }],
    ['explain --help', { kind: 'help', topic: 'explain' }],
    ['policy --help', { kind: 'help', topic: 'policy' }],
    ['policy validate --help', { kind: 'help', topic: 'policy validate' }],
    ['policy schema -h', { kind: 'help', topic: 'policy schema' }],
    [base, check],
    ['check --region=us-west-2 --instance=acme', check],
    ['check --region us-west-2', { ...check, source: { kind: 'instance', alias: null, region: 'us-west-2' } }],
    ['check --policy desk.yaml', { ...check, source: { kind: 'policy', path: 'desk.yaml' } }],
    [`${base} --only network.dns,tls.handshake`, { ...check, only: ['network.dns', 'tls.handshake'] }],
    [`${base} --only network.dns,, --only network.dns`, { ...check, only: ['network.dns'] }],
    [`${base} --json`, { ...check, output: { kind: 'json' } }],
    [`${base} --ndjson`, { ...check, output: { kind: 'ndjson' } }],
    [`${base} --junit out.xml`, { ...check, output: { kind: 'junit', path: 'out.xml' } }],
    [`${base} --junit -`, { ...check, output: { kind: 'junit', path: '-' } }],
    [`${base} --lang zh_TW.UTF-8 --no-color`, { ...check, lang: 'zh-TW', color: false }],
    ['check --list', { kind: 'list', json: false, lang: null, color: true }],
    ['check --list --json --lang ko', { kind: 'list', json: true, lang: 'ko', color: true }],
    ['explain network.dns --lang en', { kind: 'explain', id: 'network.dns', lang: 'en', color: true }],
    ['policy validate desk.yaml', { kind: 'policy-validate', path: 'desk.yaml' }],
    ['policy validate -- --odd', { kind: 'policy-validate', path: '--odd' }],
    ['policy schema', { kind: 'policy-schema' }],
    ['gate --help', { kind: 'help', topic: 'gate' }],
    ['gate status --json --lang ko', { kind: 'gate-status', json: true, lang: 'ko', color: true }],
    ['gate status --help', { kind: 'help', topic: 'gate status' }],
    ['gate release', { kind: 'gate-release', byCode: false }],
    ['gate release --code', { kind: 'gate-release', byCode: true }],
    ['gate release --help', { kind: 'help', topic: 'gate release' }],
    ['gate agent-loss', { kind: 'gate-agent-loss' }],
    [
      'enrol --server https://fleet.example.com:8443 --ticket-file -',
      { kind: 'enrol', server: 'https://fleet.example.com:8443', ticketFile: '-' },
    ],
    ['bundle --out - --force', { kind: 'bundle', out: '-', force: true }],
    ['bundle --out desk.json', { kind: 'bundle', out: 'desk.json', force: false }],
  ])('%s', (line, command) => {
    expect(parse(line)).toEqual({ ok: true, command });
  });

  const seeCheck = 'See: deskwarden check --help';
  const seeEnrol = 'See: deskwarden enrol --help';
  const badServer = '--server: expected https://host[:port] and nothing more';
  it.each<[string, string, string]>([
    ['', 'a command is missing', 'See: deskwarden --help'],
    ['chck', 'unknown command "chck"; did you mean check?', 'See: deskwarden --help'],
    ['frobnicate', 'unknown command "frobnicate"', 'See: deskwarden --help'],
    ['--vresion', 'unknown option --vresion; did you mean --version?', 'See: deskwarden --help'],
    ['check', 'say what to check: --region REGION, --instance ALIAS --region REGION, or --policy FILE', seeCheck],
    ['check --instance acme', '--instance needs --region REGION too', seeCheck],
    ['check --regoin us-west-2', 'unknown option --regoin; did you mean --region?', seeCheck],
    ['check --xyzzy', 'unknown option --xyzzy', seeCheck],
    ['check -j', 'unknown option -j', seeCheck],
    ['check --region', '--region needs a value', seeCheck],
    ['check --region=', '--region needs a value', seeCheck],
    ['check --region --json', '--region needs a value', seeCheck],
    ['check --json=yes', '--json takes no value', seeCheck],
    ['check --region us-west-2 --region us-east-1', '--region is given twice', seeCheck],
    ['check acme', 'unexpected argument "acme"', seeCheck],
    ['check --region us-wset-2', 'Amazon Connect is not known in Region "us-wset-2"; did you mean --region us-west-2?', seeCheck],
    ['check --policy p.yaml --region us-west-2', '--policy and --region exclude each other', seeCheck],
    ['check --policy p.yaml --instance acme', '--policy and --instance exclude each other', seeCheck],
    [`${base} --json --ndjson`, '--json and --ndjson exclude each other', seeCheck],
    [`${base} --json --junit x.xml`, '--json and --junit exclude each other', seeCheck],
    ['check --list --region us-west-2', '--list and --region exclude each other', seeCheck],
    ['check --list --ndjson', '--list and --ndjson exclude each other', seeCheck],
    [`${base} --lang fr`, 'no texts for language "fr"; there are en, zh-TW, zh-CN and ko', seeCheck],
    [`${base} --only ,`, '--only names no check', seeCheck],
    [`${base} --only turn-udp`, 'unknown check "turn-udp"; did you mean network.turn-udp?', 'See: deskwarden check --list'],
    [`${base} --only network.dsn`, 'unknown check "network.dsn"; did you mean network.dns?', 'See: deskwarden check --list'],
    ['explain', 'ID is missing', 'See: deskwarden explain --help'],
    ['explain network.dns tls.handshake', 'unexpected argument "tls.handshake"', 'See: deskwarden explain --help'],
    ['explain handshake', 'unknown check "handshake"; did you mean tls.handshake?', 'See: deskwarden check --list'],
    ['policy', 'a command is missing', 'See: deskwarden policy --help'],
    ['policy check', 'unknown command "policy check"', 'See: deskwarden policy --help'],
    ['policy valdate x', 'unknown command "policy valdate"; did you mean policy validate?', 'See: deskwarden policy --help'],
    ['policy validate', 'FILE is missing', 'See: deskwarden policy validate --help'],
    ['gate', 'a command is missing', 'See: deskwarden gate --help'],
    ['gate staus', 'unknown command "gate staus"; did you mean gate status?', 'See: deskwarden gate --help'],
    ['enrol --ticket-file -', '--server is missing', seeEnrol],
    ['enrol --server https://fleet.example.com', '--ticket-file is missing', seeEnrol],
    ['enrol --server http://fleet.example.com --ticket-file -', badServer, seeEnrol],
    ['enrol --server https://a:b@fleet.example.com --ticket-file -', badServer, seeEnrol],
    ['enrol --server https://fleet.example.com/x --ticket-file -', badServer, seeEnrol],
    ['bundle', '--out is missing', 'See: deskwarden bundle --help'],
    ['policy schema x', 'unexpected argument "x"', 'See: deskwarden policy schema --help'],
  ])('refuses: %s', (line, message, see) => {
    expect(parse(line)).toEqual({ ok: false, message, see });
  });

  it.each([
    'gate release --code 12345678',
    'gate release --code=12345678',
    'gate release 12345678',
    'enrol dw1.secret',
    'enrol --ticket dw1.secret',
    'enrol --ticket=dw1.secret',
  ])('takes no secret as an argument, and does not repeat it: %s', (line) => {
    const parsed = parse(line);
    expect(parsed.ok).toBe(false);
    expect(JSON.stringify(parsed)).not.toMatch(/12345678|dw1\.secret/);
  });

  const uuid = '0f1e2d3c-4b5a-4678-9abc-def012345678';
  it.each<[string, string]>([
    ['https://acme.my.connect.aws/ccp-v2', 'acme'],
    ['https://acme.my.connect.aws/ccp-v2?visual-refresh=true#x', 'acme'],
    ['acme.my.connect.aws', 'acme'],
    ['acme.my.connect.aws.', 'acme'],
    ['acme.my.connect.aws:443', 'acme'],
    ['https://user@acme.awsapps.com/connect/home', 'acme'],
    ['https://acme-gov.govcloud.connect.aws/', 'acme-gov'],
    ['ACME', 'acme'],
    ['acme.', 'acme'],
  ])('takes the pasted %s for the alias %s', (pasted, alias) => {
    const message = `--instance takes the alias alone, not "${pasted}"; did you mean --instance ${alias}?`;
    expect(parse(`check --region us-west-2 --instance ${pasted}`)).toEqual({ ok: false, message, see: seeCheck });
  });

  it.each([uuid, `arn:aws:connect:us-west-2:123456789012:instance/${uuid}`])('tells an instance id from an alias: %s', (pasted) => {
    const message = `--instance takes the alias, and "${pasted}" holds an instance id; for https://acme.my.connect.aws the alias is acme`;
    expect(parse(`check --region us-west-2 --instance ${pasted}`)).toEqual({ ok: false, message, see: seeCheck });
  });

  it.each(['bücher', 'xn--x.example.com', 'd-1234567890', 'a_b', '..', `a${'b'.repeat(45)}`])(
    'refuses the alias %s and says why',
    (alias) => {
      const parsed = parse(`check --region us-west-2 --instance ${alias}`);
      expect(parsed).toMatchObject({ ok: false });
      expect(!parsed.ok && parsed.message).toMatch(
        /^--instance ".*": (expected the instance alias alone|an instance alias has at most 45)/,
      );
    },
  );
});
