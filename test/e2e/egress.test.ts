import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createMediaPacketReader } from '../../agent/activity/media-packets.ts';
import { createEgress } from '../../agent/gate/egress/egress.ts';
import type { GateOrder, GateScope } from '../../agent/gate/enforcer.ts';
import { type Ledger, openLedger } from '../../agent/gate/ledger.ts';
import {
  agentUid,
  type Flow,
  media,
  mediaPrefixes,
  nowMs,
  otherUid,
  twoNamespaces,
  web,
  whyNoNft,
} from '../unit/agent/gate/egress/two-namespaces.ts';

const names: Record<string, string[]> = {
  'acme.my.connect.aws': [web.tls],
  'transport.connect.us-west-2.example.com': [web.tcp, web.tcp6],
};
const scope: GateScope = {
  ccpHosts: ['acme.my.connect.aws'],
  transportHosts: ['transport.connect.us-west-2.example.com'],
  mediaPrefixes,
  sharedPrefixes: ['13.32.0.0/15'],
};
const closed: GateOrder = { closed: true, scope, agentUids: [agentUid] };
const open: GateOrder = { ...closed, closed: false };

const CYCLES = 12;
/** Silent for as many packets, in which a running flow would have been heard ten times. */
const SILENCE_MS = 400;

const isClosed = ({ event }: { event: string }) => event === 'closed';
const isOpen = ({ event }: { event: string }) => event === 'open';

describe.skipIf(whyNoNft !== null)(`egress with real traffic${whyNoNft ? `: ${whyNoNft}` : ''}`, { timeout: 90_000 }, () => {
  let net: Awaited<ReturnType<typeof twoNamespaces>>;
  let ledger: Ledger;
  const stateDir = mkdtempSync(path.join(tmpdir(), 'dw-egress-state-'));
  const clock = { monotonicMs: nowMs };
  const makeEgress = () =>
    createEgress({ platform: 'linux', ledger, clock, nft: net.desk.nft, resolve: async (host) => names[host] ?? [] });
  let flows: Flow[] = [];
  const flow = (...args: Parameters<typeof net.flow>) => {
    const made = net.flow(...args);
    flows.push(made);
    return made;
  };

  beforeAll(async () => {
    net = await twoNamespaces();
    ledger = await openLedger(stateDir);
  });
  afterEach(async () => {
    for (const one of flows) one.stop();
    flows = [];
    await makeEgress().hold(open);
  });
  afterAll(async () => {
    await net?.remove();
    rmSync(stateDir, { recursive: true, force: true });
  });

  it('resets what is open, refuses what is new, and lets all work again, time after time', async () => {
    const egress = makeEgress();
    const agents = [flow(agentUid, 'tcp', web.tcp, 443), flow(agentUid, 'tls', web.tls, 443), flow(agentUid, 'ws', web.tls, 443)];
    const [tcp, tls, ws] = agents as [Flow, Flow, Flow];
    const v6 = flow(agentUid, 'tcp', web.tcp6, 443);
    const others = [flow(otherUid, 'tcp', web.tcp, 443), flow(0, 'ws', web.tls, 443), flow(agentUid, 'tcp', web.elsewhere, 443)];
    for (const one of [...agents, v6, ...others]) await one.next(isOpen, 0);
    await delay(100);
    const latencies: Record<string, number[]> = { hold: [], tcp: [], tls: [], ws: [], tcp6: [] };

    for (let cycle = 0; cycle < CYCLES; cycle++) {
      const askedMs = nowMs();
      const cuts = Object.entries({ tcp, tls, ws, tcp6: v6 }).map(async ([kind, one]) => {
        const cut = await one.next(isClosed, askedMs);
        expect(cut.code, kind).toBe('ECONNRESET');
        latencies[kind]?.push(cut.atMs - askedMs);
        return one.next(isClosed, cut.atMs + 1);
      });
      const status = await egress.hold(closed);
      latencies.hold?.push(nowMs() - askedMs);
      expect(status).toMatchObject({ wanted: 'closed', state: 'confirmed' });
      for (const refused of await Promise.all(cuts)) expect(refused.code).toBe('ECONNREFUSED');

      const openedMs = nowMs();
      expect(await egress.hold(open)).toMatchObject({ wanted: 'open', state: 'confirmed' });
      await Promise.all([...agents, v6].map((one) => one.next(isOpen, openedMs)));
      const openMs = nowMs();
      await Promise.all([tcp, tls, ws, v6].map((one) => one.next(({ event }) => event === 'tick', openMs)));
    }
    for (const one of others) expect(one.events.filter(isClosed)).toEqual([]);
    console.log(
      `from hold() to the reset, ${CYCLES} times: ${Object.entries(latencies)
        .map(([kind, all]) => `${kind} ${spread(all)}`)
        .join(', ')}`,
    );
  });

  it('stops media and HTTP/3, running and new, of the agent alone', async () => {
    const egress = makeEgress();
    const held = [flow(agentUid, 'udp', media.v4, 3478), flow(agentUid, 'udp', media.v6, 3478), flow(agentUid, 'udp', web.tls, 443)];
    const free = [
      flow(otherUid, 'udp', media.v4, 3478),
      flow(0, 'udp', media.v6, 3478),
      flow(agentUid, 'udp', media.elsewhere, 3478),
      flow(agentUid, 'udp', media.v4, 443),
    ];
    for (const one of [...held, ...free.slice(0, 3)]) await one.next(({ echoed = 0 }) => echoed > 5, 0);
    expect(await egress.hold(closed)).toMatchObject({ state: 'confirmed' });
    const late = flow(agentUid, 'udp', media.v4, 3478);
    await late.next(({ failed = 0 }) => failed > 5, 0);
    await delay(100);
    const before = [...held, late].map((one) => one.events.at(-1)?.echoed);
    await delay(SILENCE_MS);
    expect([...held, late].map((one) => one.events.at(-1)?.echoed)).toEqual(before);
    for (const one of free.slice(0, 3)) {
      const seen = one.events.at(-1)?.echoed ?? 0;
      await one.next(({ echoed = 0 }) => echoed > seen + 5);
      expect(one.events.at(-1)?.failed).toBe(0);
    }
    // Not served: what counts is that its packets leave.
    expect(free[3]?.events.at(-1)).toMatchObject({ failed: 0 });

    await egress.hold(open);
    for (const one of [...held, late]) {
      const seen = one.events.at(-1)?.echoed ?? 0;
      await one.next(({ echoed = 0 }) => echoed > seen + 5);
    }
  });

  it('cuts again what somebody freed by a flush, and says that somebody did', async () => {
    const egress = makeEgress();
    const tcp = flow(agentUid, 'tcp', web.tcp, 443);
    await tcp.next(isOpen, 0);
    await egress.hold(closed);
    await tcp.next(({ code }) => code === 'ECONNREFUSED');
    const flushedMs = nowMs();
    await net.desk.sh('/usr/sbin/nft', 'flush', 'ruleset');
    const freed = await tcp.next(isOpen, flushedMs);
    const status = await egress.hold(closed);
    expect(status).toMatchObject({ state: 'confirmed', targets: [{ notes: [{ code: 'changed-by-other' }] }, {}] });
    // The server, whose client has gone silent in mid-connection, may be the one who ends it.
    expect(['ECONNRESET', 'END']).toContain((await tcp.next(isClosed, freed.atMs)).code);
    expect((await tcp.next(isClosed)).code).toBe('ECONNREFUSED');
  });

  describe('media packets as activity', () => {
    /** As often as the gate looks while something is wrong. */
    const READ_EVERY_MS = 1_500;
    const uids = [agentUid];
    const readers: ReturnType<typeof createMediaPacketReader>[] = [];
    function makeReader() {
      const reader = createMediaPacketReader({ ledger, prefixes: () => mediaPrefixes, nft: net.desk.nft });
      readers.push(reader);
      const says = async () => (await reader.read(uids, nowMs()))[0]?.says;
      const until = async (wanted: string, withinMs: number) => {
        const startedMs = nowMs();
        const heard: (string | undefined)[] = [];
        while (heard.at(-1) !== wanted) {
          if (nowMs() - startedMs > withinMs) throw new Error(`not ${wanted} within ${withinMs} ms: ${heard.join(' ')}`);
          await delay(READ_EVERY_MS);
          heard.push(await says());
        }
        return { heard, tookMs: Math.round(nowMs() - startedMs) };
      };
      /** Five times as fast as time goes: of a flow that is steady, or not counted, it makes no difference. */
      const hurried = async (reads: number) => {
        const startedMs = nowMs();
        const heard: (string | undefined)[] = [];
        for (let i = 0; i < reads; i++) {
          heard.push((await reader.read(uids, startedMs + i * READ_EVERY_MS))[0]?.says);
          await delay(READ_EVERY_MS / 5);
        }
        return heard;
      };
      return { reader, says, until, hurried };
    }
    afterEach(async () => {
      for (const reader of readers.splice(0)) await reader.close();
      expect(ledger.entries()).toEqual([]);
      expect(await net.desk.sh('/usr/sbin/nft', 'list', 'ruleset')).toBe('');
    });

    it('sees a call begin, be held up by nobody’s changes for long, and end', async () => {
      const { says, until } = makeReader();
      const call = flow(agentUid, 'udp', media.v4, 3478);
      await call.next(({ echoed = 0 }) => echoed > 5, 0);
      expect(await says()).toBe('unknown');
      const began = await until('on-call', 5_000);
      await net.desk.sh('/usr/sbin/nft', 'flush', 'ruleset');
      // There is nothing to compare with, and a call does not end by that.
      expect(await says()).toBe('on-call');
      await until('on-call', 5_000);
      call.stop();
      const ended = await until('idle', 20_000);
      expect(ended.heard.slice(0, -1)).not.toContain('idle');
      console.log(`media packets: on-call ${began.tookMs} ms after the first look, idle ${ended.tookMs} ms after the call`);
    });

    it('sees a call over IPv6, and not those of root, of another user, or of other services', async () => {
      const { hurried } = makeReader();
      const notCalls = [
        flow(0, 'udp', media.v4, 3478),
        flow(otherUid, 'udp', media.v6, 3478),
        flow(agentUid, 'udp', media.elsewhere, 3478),
      ];
      for (const one of notCalls) await one.next(({ echoed = 0 }) => echoed > 5, 0);
      expect(await hurried(10)).toEqual([...Array(5).fill('unknown'), ...Array(5).fill('idle')]);
      const { until } = makeReader();
      flow(agentUid, 'udp', media.v6, 3478);
      await until('on-call', 6_000);
    });

    it('does not know what packets mean that nobody answers', async () => {
      const { hurried } = makeReader();
      const lonely = flow(agentUid, 'udp', media.mute, 3478);
      await lonely.next(({ sent = 0 }) => sent > 5, 0);
      expect(new Set(await hurried(10))).toEqual(new Set(['unknown']));
    });

    it('counts everybody but root where no agent is known', async () => {
      const { reader } = makeReader();
      const call = flow(otherUid, 'udp', media.v4, 3478);
      await call.next(({ echoed = 0 }) => echoed > 5, 0);
      await reader.read([], nowMs());
      await delay(READ_EVERY_MS);
      expect(await reader.read([], nowMs())).toMatchObject([{ source: 'media-packets', side: 'privileged', says: 'on-call' }]);
    });
  });
});

function spread(all: readonly number[]): string {
  const sorted = [...all].sort((a, b) => a - b);
  return `median ${sorted[Math.floor(sorted.length / 2)]?.toFixed(0)} max ${sorted.at(-1)?.toFixed(0)} ms`;
}
