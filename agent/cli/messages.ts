import type { LinkTroubleCode } from '../../contracts/link-trouble.ts';
import type { Topic } from './help.ts';

/** The command line's own words: usage and errors, in English. What a check says comes from `checks/texts`. */

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
  codeInArguments: 'the code is not given as an argument, which others could read: "--code" alone asks for it',
  ticketInArguments:
    'the ticket is not given as an argument, which others could read: put it into a file, and name that with --ticket-file',
  badServer: '--server: expected https://host[:port] and nothing more',
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
  refused: (code: string, detail: string) => `the daemon refused: ${code}${detail === '' ? '' : ` (${detail})`}`,
  asked: 'The daemon looks again now; "deskwarden status" tells what it finds.',
  refusals: {
    'too-soon': (wait: string) => `the daemon has just looked; ask again in ${wait}`,
    'not-enrolled': () => 'this desk is not enrolled with a fleet: its gate closes nothing, so there is nothing to release',
    'not-allowed': () => 'only root releases the gate without a code; IT reads one out for "deskwarden gate release --code"',
    'wrong-code': (left: string) =>
      `the code is not right, or was used before: have IT read out the next one${left === '' ? '' : ` (${left})`}`,
  } as Readonly<Record<string, (detail: string) => string>>,
  diskTrouble: (code: string, detail: string) => `${detail} (${code})`,
  noPolicy: (path: string) => `${path}: policy: is missing: a desk that is not enrolled needs one`,
  noConfig: (path: string) => `there is no configuration at ${path}: write one that names a policy, as "deskwarden daemon --help" shows`,
  badConfig: (path: string, key: string, message: string) => `${path}: ${key === '' ? '' : `${key}: `}${message}`,
};

export const runMessages = {
  gateClosed:
    'the gate is closed for your programs too, so a check that you run would see the gate and not the network; "deskwarden status" tells what the daemon found',
  internal: (what: string) => `internal error: ${what}; DESKWARDEN_DEBUG=1 tells more`,
  cannotWrite: (path: string, code: string) => `cannot write ${path}: ${writeTroubles[code] ?? code}`,
};

const inputTroubles: Readonly<Record<string, string>> = {
  empty: 'it is empty',
  'too-long': 'it is too long',
  'timed-out': 'nothing came in time',
  stopped: 'stopped',
  unreadable: 'it cannot be read',
  terminal: 'a terminal would show it: use a pipe or a file',
};

export const gateMessages = {
  needsRoot: (command: string) => `"deskwarden ${command}" is for root alone`,
  releaseNeedsRoot: 'only root releases the gate without a code; IT reads one out for "deskwarden gate release --code"',
  askForCode: 'Code that IT reads out (8 digits): ',
  noCode: (why: string) => `no code on standard input: ${inputTroubles[why] ?? why}`,
  badCode: 'a code has 8 digits',
  tooManyCodes: (wait: string) => `too many wrong codes on this desk; try again in ${wait}`,
  released: (until: string) => `The gate is open until ${until}, whatever the verdict. This is recorded, and reported to the fleet.`,
  stillThere: 'the daemon is there and does not answer: stop its service, then release again',
  noDaemon: 'No daemon runs: taking away what the ledger names. Once it runs again it obeys its policy again.',
  nothingHeld: 'Nothing of Deskwarden holds anything closed on this computer.',
  removed: (what: string) => `removed ${what}`,
  kept: (what: string, why: string) => `could not remove ${what}: ${why}`,
  lossOpened: (removed: number, kept: number) => `agent loss: opened; removed ${removed}${kept === 0 ? '' : `, could not remove ${kept}`}`,
  lossLacking: (names: string) => `agent loss: could not close all of it: ${names}`,
  loss: {
    closed: 'agent loss: closed, as the policy wants',
    call: 'agent loss: left open for a call that is or may be on; the policy closes when there can be none',
    'daemon-runs': 'agent loss: none, the daemon runs',
  },
};

export const enrolMessages = {
  noTicket: (why: string) => `no ticket: ${inputTroubles[why] ?? why}`,
  badTicket: 'what was read is no ticket: expected dw1.<secret>.<fingerprint>, as "deskwarden-fleet ticket create" prints it',
  steps: {
    trust: (server: string) => `asking ${server} who it is; the ticket tells whether that is true`,
    key: () => 'making a key for this desk',
    ask: (server: string) => `asking ${server} to take this desk in`,
  },
  enrolled: (device: string, alias: string, region: string) => `Enrolled as ${device} for ${alias} in ${region}.`,
  next: 'The daemon obeys the policy of the fleet from its next look on; start its service if it does not run.',
  noConfig: (path: string) => `${path} needs nothing but "schema: 1" from now on.`,
  pending: 'waiting for approval; the daemon goes on asking, so nothing more has to be done on this desk',
  failed: (code: LinkTroubleCode, detail: string) => `${enrolTroubles[code]}${detail === '' ? '' : ` (${detail})`}`,
};

const enrolTroubles: Readonly<Record<LinkTroubleCode, string>> = {
  offline: 'there is no way to the fleet server: look for the network, a route, a VPN',
  dns: 'the name of the fleet server was not found',
  refused: 'nothing listens there: look at the port, and whether the fleet server runs',
  'timed-out': 'the fleet server did not answer in time: a firewall may drop the way there',
  proxy: 'the proxy does not let this desk through to the fleet server',
  'tls-inspected':
    'somebody on the way opens the encrypted connection and shows a certificate of his own: exempt the fleet server from TLS inspection',
  'tls-untrusted': 'the certificate of the server is not of the fleet that made this ticket',
  'tls-name': 'the certificate of the server is for another name: use the name that the fleet was set up with',
  'tls-failed': 'no encrypted connection could be made',
  clock: 'the clock of this desk, or of the server, is wrong: a certificate is not valid now',
  'wrong-fleet': 'what answers is not the fleet that made this ticket: look at the URL, and for somebody in between',
  'ticket-refused': 'the fleet does not take this ticket: it is used up, expired, or not for this network; have a new one made',
  'bad-ticket': 'what was read is no ticket',
  revoked: 'the fleet has revoked this desk',
  'slow-down': 'the fleet server has too much to do; try again later',
  unavailable: 'the fleet server cannot serve now; try again later',
  'too-soon': 'this was tried a moment ago; try again later',
  'unsupported-schema': 'the fleet server is of another version',
  'bad-answer': 'what answers is no fleet server, or of another version',
  'not-stored': 'what was learned could not be stored on this desk',
  'bad-request': 'the fleet server does not understand this desk: it is of another version',
  'not-enrolled': 'the fleet server does not know this desk',
  'sequence-taken': 'the fleet server does not understand this desk: it is of another version',
  internal: 'the fleet server met a mistake of its own; try again later',
  'ticket-file': 'the ticket cannot be read from its file',
  'bad-certificate': 'the fleet server gave a certificate that is not for this desk',
  'too-large': 'what answers is no fleet server, or of another version',
  stopped: 'stopped',
};

export const bundleMessages = {
  exists: (path: string) => `${path} is there already; --force replaces it`,
  notAFile: (path: string) => `${path} is not a regular file, and is left alone`,
  written: (path: string, bytes: number) =>
    `${path}: ${Math.ceil(bytes / 1024)} KiB. Secrets and user names are taken out; internal addresses and host names are in it. Read it before you pass it on.`,
};
