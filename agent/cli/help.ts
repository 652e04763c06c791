export type Topic =
  | ''
  | 'check'
  | 'explain'
  | 'policy'
  | 'policy validate'
  | 'policy schema'
  | 'daemon'
  | 'status'
  | 'recheck'
  | 'gate'
  | 'gate status'
  | 'gate release'
  | 'enrol'
  | 'bundle';

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

While the gate is closed, a check that a user runs would see the gate and not the
network: it shows what the daemon found in its place. Root's checks are not concerned.

Exit status: 0 clear, 1 blocked, 2 wrong usage or bad policy, 3 undetermined,
4 caution (calls can go on), 70 internal error, 74 the output could not be written,
75 the gate is closed, and there is nothing true to print in this format, 130 or 143
stopped by a signal.
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
  gate status       what really closes the Contact Control Panel, and what does not
  gate release      open the gate: for root, or with a code that IT reads out
  enrol             enrol this desk with a fleet server
  bundle            write what support needs to know into a file

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
  policy: /etc/deskwarden/policy.yaml     the policy to observe while not enrolled
  stateDir: /var/lib/deskwarden           optional; readable by root alone
  runDir: /run/deskwarden                 optional; the sockets
  logDir: /var/log/deskwarden             optional; the last days of the log

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
  gate: `Usage: deskwarden gate status [--json] [--lang LANG] [--no-color]
       deskwarden gate release [--code]

  status            what really closes the Contact Control Panel, and what does not
  release           open the gate: for root, or with a code that IT reads out
  agent-loss        for the service manager: do what the policy wants without a daemon
`,
  'gate status': `Usage: deskwarden gate status [--json] [--lang LANG] [--no-color]

Tells whether the gate is open, why, what it knows of a call, and what each means of
closing the Contact Control Panel really does:
  confirmed         it stands and works
  written           it stands, and nothing shows yet that it works
  degraded          it could not do all of it
  conflict          something else overrides it

Options:
  --json            the same as one JSON document
  --lang LANG       en, zh-TW, zh-CN or ko; by default the language of the system
  --no-color        no colours

Exit status: 0 all of it does what is wanted, 1 the gate is closed and something is in
conflict or degraded, 69 when there is no daemon to ask.
`,
  'gate release': `Usage: deskwarden gate release
       deskwarden gate release --code

Opens the gate for an hour, whatever the verdict. It is recorded, and reported to the
fleet. Root needs no code; without a daemon, everything that Deskwarden put on this
computer to close the Contact Control Panel is removed.

Options:
  --code            for every user: with the 8 digits that IT reads out for this desk,
                    asked for, or read from the first line of standard input

Exit status: 0 open, 1 refused, as with a wrong code, 2 no code of 8 digits, 66 nothing
on standard input, 69 the daemon does not answer, 71 something could not be removed,
75 too many wrong codes, try again later, 77 not root.
`,
  enrol: `Usage: deskwarden enrol --server URL --ticket-file FILE

Enrols this desk with a fleet server, once; for root. The server has to be the one that
made the ticket. Neither the ticket nor a key is ever shown.

Options:
  --server URL        https://host[:port]
  --ticket-file FILE  the file with the ticket, of root and closed to others; with "-",
                      the first line of standard input

Without /etc/deskwarden/daemon.yaml it takes the usual directories. Once enrolled, that
file needs nothing but "schema: 1".

Exit status: 0 enrolled, 1 refused, 2 wrong usage or no ticket in FILE, 66 FILE cannot
be read, 71 the state directory cannot be written, 75 waiting for approval, or the
server cannot be reached now, 77 not root.
`,
  bundle: `Usage: deskwarden bundle --out FILE [--force]

Writes what support needs to know about this desk into one JSON file that only its maker
can read: version, platform, configuration, what the daemon says, the names of the state
files, what the gate put on this computer, and the last 2 MiB of the log. Secrets and
the names of users are taken out; internal addresses and host names stay in. Run as root
it holds more. Nothing is sent anywhere.

Options:
  --out FILE        where to; "-" is standard output
  --force           replace FILE

Exit status: 0 written, 2 bad configuration, 74 it could not be written.
`,
};
