/** The command line's own words: usage and errors, in English. What a check says comes from `checks/texts`. */

export const topics = ['', 'check', 'explain', 'policy', 'policy validate', 'policy schema', 'daemon', 'status', 'recheck'] as const;
export type Topic = (typeof topics)[number];

const checkHelp = `Usage: deskwarden check --region REGION [--instance ALIAS] [options]
       deskwarden check --policy FILE [options]
       deskwarden check --list [--json] [--lang LANG]

Runs the checks here and now, and says whether this desk can take calls.

What to check:
  --region REGION      AWS Region of the Connect instance, such as us-west-2; alone,
                       only the hosts that the whole Region shares are checked
  --instance ALIAS     the instance alias: for https://acme.my.connect.aws it is acme
  --policy FILE        a policy file (YAML or JSON) in place of the built-in policy
  --only ID,..         only these checks
  --list               list all checks and run none

What to print:
  --json               one JSON document, once the checks are done
  --ndjson             one JSON line for each step, as it happens
  --junit FILE         also write JUnit XML to FILE; with "-", XML on standard output only
  --lang LANG          en, zh-TW, zh-CN or ko; by default the language of the system
  --no-color           no colours

Exit status: 0 clear, 1 blocked, 2 wrong usage or bad policy, 3 undetermined,
4 caution (calls can go on), 70 internal error, 74 the output could not be written,
130 or 143 stopped by a signal.
`;

export const help: Readonly<Record<Topic, string>> = {
  '': `Usage: deskwarden COMMAND [options]

Checks whether an Amazon Connect workstation can take calls, and says what stands
in the way and who can put it right.

Commands:
  check             run the checks here and now
  explain ID        what one check verifies, why, and how to fix what it finds
  policy validate   find the mistakes in a policy file
  policy schema     print the JSON Schema of policy files
  daemon            decide all day (a service runs this)
  status            what the daemon of this desk says now
  recheck           have the daemon look again now

Options:
  --help            this text; "deskwarden COMMAND --help" tells more
  --version         the version

Example:
  deskwarden check --instance acme --region us-west-2
`,
  check: checkHelp,
  explain: `Usage: deskwarden explain ID [--lang LANG] [--no-color]

Tells what one check verifies, why it matters, what it may find and how to fix it.
"deskwarden check --list" lists the ids.

Options:
  --lang LANG       en, zh-TW, zh-CN or ko; by default the language of the system
  --no-color        no colours
`,
  policy: `Usage: deskwarden policy validate FILE
       deskwarden policy schema

  validate FILE     print the mistakes in a policy file, with line and column
  schema            print the JSON Schema (draft 7) of policy files, for editors
`,
  'policy validate': `Usage: deskwarden policy validate FILE

Prints OK, or the mistakes in the policy file as FILE:LINE:COLUMN: KEY: MISTAKE,
at most 20 of them. What the values mean is looked at once all of them have the
right form.
Exit status: 0 valid, 2 not valid.
`,
  'policy schema': `Usage: deskwarden policy schema

Prints the JSON Schema (draft 7) of policy files, for editors.
`,
  daemon: `Usage: deskwarden daemon

Runs the checks all day, each at its own pace and at once when the network changes or
the computer wakes, and tells the programs of this desk's users what it found. It
observes: it says what a gate would do, and closes nothing. It logs one JSON line for
each event on standard output.

Its configuration is /etc/deskwarden/daemon.yaml, or the file that DESKWARDEN_CONFIG
names:
  schema: 1
  policy: /etc/deskwarden/policy.yaml     the policy to observe
  stateDir: /var/lib/deskwarden           optional; readable by root alone
  runDir: /run/deskwarden                 optional; the sockets

Exit status: 0 stopped, 2 bad configuration or policy, 71 its directories cannot be
used, 70 internal error.
`,
  status: `Usage: deskwarden status [--json] [--lang LANG] [--no-color]

Tells what the daemon of this desk found, and what its gate would do.

Options:
  --json            the whole state as one JSON document
  --lang LANG       en, zh-TW, zh-CN or ko; by default the language of the system
  --no-color        no colours

Exit status: as of "deskwarden check"; 69 when there is no daemon to ask.
`,
  recheck: `Usage: deskwarden recheck

Has the daemon run every check now. "deskwarden status" tells what it found.

Exit status: 0 asked, 69 when there is no daemon to ask, 75 asked too soon.
`,
};

const meant = (near: string | null, prefix = '') => (near === null ? '' : `; did you mean ${prefix}${near}?`);

export const usageMessages = {
  noCommand: 'a command is missing',
  unknownCommand: (given: string, near: string | null) => `unknown command "${given}"${meant(near)}`,
  unknownOption: (given: string, near: string | null) => `unknown option ${given}${meant(near)}`,
  needsValue: (option: string) => `${option} needs a value`,
  takesNoValue: (option: string) => `${option} takes no value`,
  givenTwice: (option: string) => `${option} is given twice`,
  unexpected: (given: string) => `unexpected argument "${given}"`,
  missingArgument: (name: string) => `${name} is missing`,
  exclude: (one: string, other: string) => `${one} and ${other} exclude each other`,
  nothingToCheck: 'say what to check: --region REGION, --instance ALIAS --region REGION, or --policy FILE',
  instanceNeedsRegion: '--instance needs --region REGION too',
  unknownRegion: (given: string, near: string | null) => `Amazon Connect is not known in Region "${given}"${meant(near, '--region ')}`,
  unknownLanguage: (given: string) => `no texts for language "${given}"; there are en, zh-TW, zh-CN and ko`,
  unknownCheck: (given: string, near: string | null) => `unknown check "${given}"${meant(near)}`,
  noChecksNamed: '--only names no check',
  onlyNothing: 'no rule of the policy uses a check named by --only',
  notAnAlias: (given: string, why: string) => `--instance "${given}": ${why}`,
  aliasMeant: (given: string, alias: string) => `--instance takes the alias alone, not "${given}"; did you mean --instance ${alias}?`,
  instanceId: (given: string) =>
    `--instance takes the alias, and "${given}" holds an instance id; for https://acme.my.connect.aws the alias is acme`,
  seeHelp: (topic: Topic) => `See: deskwarden${topic === '' ? '' : ` ${topic}`} --help`,
  seeList: 'See: deskwarden check --list',
};

export const policyMessages = {
  cannotOpen: (code: string) =>
    code === 'ENOENT' ? 'no such file' : code === 'EACCES' ? 'not allowed to read it' : `cannot be read (${code})`,
  isDirectory: 'is a directory, not a policy file',
  tooBig: (bytes: number | null) => `is too big for a policy${bytes === null ? '' : ` (${Math.ceil(bytes / 1024)} KiB)`}: at most 1024 KiB`,
  utf16: 'is UTF-16 text: save it as UTF-8',
  binary: 'is not a text file',
  notUtf8: 'is not UTF-8 text',
  empty: 'the policy is empty',
  duplicateKey: (key: string) => `the key "${key}" stands twice`,
  severalDocuments: 'only one document is allowed in a policy',
  syntax: (detail: string) => `not valid YAML: ${detail.charAt(0).toLowerCase()}${detail.slice(1)}`,
  directive: 'directives are not allowed in a policy',
  alias: 'anchors and aliases are not allowed in a policy',
  tag: (tag: string) => `tags are not allowed in a policy: ${tag}`,
  mergeKey: 'merge keys are not allowed in a policy',
  tooDeep: 'nested too deeply for a policy',
  missing: 'is missing',
  didYouMean: (message: string, near: string) => `${message}; did you mean "${near}"?`,
  valid: (id: string, revision: number, rules: number, endpoints: number, of: string) =>
    `OK: policy ${id}, revision ${revision}: ${rules} ${rules === 1 ? 'rule' : 'rules'}, ${endpoints} endpoints of ${of}`,
};

const writeTroubles: Readonly<Record<string, string>> = {
  ENOENT: 'its directory does not exist',
  ENOTDIR: 'its directory does not exist',
  EACCES: 'not allowed to write there',
  EROFS: 'not allowed to write there',
  EISDIR: 'it is a directory',
  ENOSPC: 'the disk is full',
};

const linkTroubles: Readonly<Record<string, string>> = {
  'no-daemon': 'the daemon of this desk is not running; a service starts it with "deskwarden daemon"',
  'not-your-socket': 'the daemon has no interface for this user',
  'not-the-daemon': 'what answers in place of the daemon does not hold its key: do not trust it, and tell IT',
  busy: 'the daemon has no room for another program now; try again',
  'timed-out': 'the daemon did not answer in time; try again',
  'bad-response': 'the daemon is of another version; update Deskwarden',
  refused: 'the daemon is of another version; update Deskwarden',
  closed: 'the daemon ended the connection; try again',
};

export const daemonMessages = {
  link: (code: string, detail: string) => `${linkTroubles[code] ?? code} (${detail})`,
  cannotStart: (code: string, detail: string) =>
    `the daemon cannot start: ${detail}${code === 'denied' || code === 'system' ? '; run it as root, as a service does' : ` (${code})`}`,
  tooSoon: (wait: string) => `the daemon has just looked; ask again in ${wait}`,
  refused: (code: string, detail: string) => `the daemon refused: ${code}${detail === '' ? '' : ` (${detail})`}`,
  asked: 'The daemon looks again now; "deskwarden status" tells what it finds.',
  noConfig: (path: string) => `there is no configuration at ${path}: write one that names a policy, as "deskwarden daemon --help" shows`,
  badConfig: (path: string, key: string, message: string) => `${path}: ${key === '' ? '' : `${key}: `}${message}`,
};

export const runMessages = {
  internal: (what: string) => `internal error: ${what}; DESKWARDEN_DEBUG=1 tells more`,
  cannotWrite: (path: string, code: string) => `cannot write ${path}: ${writeTroubles[code] ?? code}`,
};
