import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { getuid } from 'node:process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EnrolDesk } from '../../../../agent/cli/desk.ts';
import type { EnrolOutcome } from '../../../../agent/fleet-link/enrol.ts';
import { StoreError } from '../../../../agent/store/store-error.ts';
import { start, typed } from './fake-place.ts';

const ticket = `dw1.${'s'.repeat(43)}.${'f'.repeat(43)}`;
const device = '0a0f4f5e-2f5b-4c39-9f0e-7c2c4fbd3f5b';
const key = '-----BEGIN PRIVATE KEY-----sss-----END PRIVATE KEY-----';
const enrolled: EnrolOutcome = {
  status: 'enrolled',
  enrolled: {
    trust: { server: 'https://fleet.example.com', ca: '', signingKeys: [] },
    key,
    certificate: '',
    device,
    instance: { alias: 'acme', region: 'us-west-2' },
    releaseSecret: 'sss',
    enrolledAt: '2026-01-01T08:00:00.000Z',
  },
};

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'deskwarden-enrol-'));
});
afterEach(() => rm(dir, { recursive: true }));

interface Given {
  outcome?: EnrolOutcome;
  config?: string;
  ticketFile?: string;
  stdin?: string;
  uid?: number;
  isTerminal?: boolean;
}

async function enrol({ outcome = enrolled, config, ticketFile = '-', stdin = `${ticket}\n`, uid = 0, isTerminal = false }: Given = {}) {
  const configPath = path.join(dir, 'daemon.yaml');
  if (config !== undefined) await writeFile(configPath, config);
  const asked: EnrolDesk[] = [];
  const daemon = {
    configPath,
    async enrol(request: EnrolDesk) {
      asked.push(request);
      for (const step of ['trust', 'key', 'ask'] as const) request.onStep(step);
      return outcome;
    },
  };
  const argv = ['enrol', '--server', 'https://fleet.example.com', '--ticket-file', ticketFile];
  const started = await start(argv, { daemon, place: { uid, stdin: typed(stdin, isTerminal) } });
  expect(started.out + started.err).not.toContain('sss');
  return { ...started, asked, configPath };
}

describe('enrol', () => {
  it('enrols a fresh desk in the usual directories, step by step, and says what comes next', async () => {
    const { code, out, err, asked, configPath } = await enrol();
    expect([code, asked[0]?.ticket, asked[0]?.server, asked[0]?.config.stateDir]).toEqual([
      0,
      ticket,
      'https://fleet.example.com',
      '/var/lib/deskwarden',
    ]);
    expect(err.trimEnd().split('\n')).toHaveLength(3);
    expect(out.split('\n')).toEqual([
      `Enrolled as ${device} for acme in us-west-2.`,
      'The daemon obeys the policy of the fleet from its next look on; start its service if it does not run.',
      `${configPath} needs nothing but "schema: 1" from now on.`,
      '',
    ]);
  });

  it('takes the directories of the configuration', async () => {
    const { asked, out } = await enrol({ config: 'schema: 1\nstateDir: /srv/state\n' });
    expect(asked[0]?.config.stateDir).toBe('/srv/state');
    expect(out).not.toContain('daemon.yaml');
  });

  it('is pending: exit 75', async () => {
    const { code, out } = await enrol({ outcome: { status: 'pending', retryAfterMs: 60_000 } });
    expect([code, out]).toEqual([75, 'waiting for approval; the daemon goes on asking, so nothing more has to be done on this desk\n']);
  });

  it.each([
    ['tls-inspected', 'CN=Example Proxy CA', 1, 'TLS inspection (CN=Example Proxy CA)'],
    ['wrong-fleet', '', 1, 'is not the fleet that made this ticket'],
    ['ticket-refused', 'used up', 1, 'have a new one made (used up)'],
    ['offline', 'ENETUNREACH', 75, 'there is no way to the fleet server'],
    ['dns', '', 75, 'the name of the fleet server was not found'],
    ['not-stored', '/var/lib/deskwarden: EROFS', 71, 'could not be stored on this desk (/var/lib/deskwarden: EROFS)'],
    ['bad-answer', `it said ${ticket}`, 1, 'it said dw1.…'],
  ] as const)('tells what stands in the way: %s', async (code, detail, status, words) => {
    const failed = await enrol({ outcome: { status: 'failed', fault: { code, detail } } });
    expect([failed.code, failed.out]).toEqual([status, '']);
    expect(failed.err).toContain(words);
  });

  it('asks nobody as another user, with a wrong configuration, or without a ticket', async () => {
    const refused = [
      [await enrol({ uid: 1_000 }), 77],
      [await enrol({ config: 'schema: 2\n' }), 2],
      [await enrol({ config: 'schema: 1\n', stdin: '' }), 66],
      [await enrol({ stdin: `dw1.${'s'.repeat(20)}` }), 2],
      [await enrol({ stdin: 's'.repeat(2_000) }), 66],
      [await enrol({ isTerminal: true }), 66],
      [await enrol({ ticketFile: path.join(dir, 'none') }), 66],
    ] as const;
    for (const [{ code, asked, out }, status] of refused) expect([code, asked, out]).toEqual([status, [], '']);
  });

  it('says that the state cannot be stored', async () => {
    const daemon = {
      configPath: path.join(dir, 'x'),
      enrol: () => Promise.reject(new StoreError('read-only', '/var/lib/deskwarden: EROFS')),
    };
    const argv = ['enrol', '--server', 'https://fleet.example.com', '--ticket-file', '-'];
    const { code, err } = await start(argv, { daemon, place: { stdin: typed(ticket) } });
    expect([code, err]).toEqual([71, 'deskwarden: /var/lib/deskwarden: EROFS (read-only)\n']);
  });

  describe.skipIf(getuid?.() !== 0)('from a file [needs root: it has to be root’s]', () => {
    it('takes what stands in it, and only from one that is closed to others', async () => {
      const ticketFile = path.join(dir, 'ticket');
      await writeFile(ticketFile, `\uFEFF${ticket}\r\n`, { mode: 0o600 });
      expect((await enrol({ ticketFile })).asked[0]?.ticket).toBe(ticket);
      await chmod(ticketFile, 0o644);
      const loose = await enrol({ ticketFile });
      expect([loose.code, loose.asked]).toEqual([66, []]);
      expect(loose.err).toContain('make it 600');
    });
  });
});
