import type { Result } from '../../contracts/call.ts';
import type { FaultCode } from '../../contracts/fault.ts';
import type { CheckId } from '../../contracts/finding.ts';
import type { CallActivity } from '../../contracts/gate.ts';
import type { DeskView } from '../../contracts/ipc.ts';
import type { LocalApiClient } from '../../contracts/local-link/connect.ts';
import { LinkFault } from '../../contracts/local-link/link-fault.ts';
import type { DeskOfMain, WindowApplied } from './desk.ts';
import { type DeskNews, nextView } from './desk-view.ts';
import { type KeepLinkPorts, keepLink } from './keep-link.ts';
import { keepSnapshot } from './keep-snapshot.ts';

export interface DeskPorts extends Omit<KeepLinkPorts, 'greet' | 'onWithout'> {
  wallMs(): number;
  /** Why there is no talking to the daemon; for a log. The same reason is told once in a row. */
  onTrouble(detail: string): void;
}

export type DeskStart = Pick<DeskView, 'app' | 'locale'>;

/** A run is over long before; what is lost on the way is looked at no longer. */
const LOOKED_LONG_ENOUGH_MS = 60_000;

export function createDesk(ports: DeskPorts, start: DeskStart): DeskOfMain {
  const listeners = new Set<(view: DeskView, before: DeskView) => void>();
  let view: DeskView = { link: 'connecting', snapshot: null, heardAt: null, looking: [], ccp: 'not-open', ccpTrouble: null, ...start };
  const untold: { view: DeskView; before: DeskView }[] = [];
  let isTelling = false;
  let applied: { applied: WindowApplied; at: string } | null = null;
  let activity: CallActivity | null = null;
  const lookingSinceMs = new Map<CheckId, number>();
  let stopLooking = () => {};
  let trouble: string | null = null;

  const now = () => new Date(ports.wallMs()).toISOString();

  const tell = (news: DeskNews) => {
    const before = view;
    view = nextView(view, news);
    if (view === before) return;
    if (view.looking !== before.looking) watchLooking();
    untold.push({ view, before });
    tellAll();
  };

  const watchLooking = () => {
    stopLooking();
    stopLooking = () => {};
    const nowMs = ports.monotonicMs();
    for (const check of lookingSinceMs.keys()) if (!view.looking.includes(check)) lookingSinceMs.delete(check);
    for (const check of view.looking) if (!lookingSinceMs.has(check)) lookingSinceMs.set(check, nowMs);
    if (lookingSinceMs.size === 0) return;
    const [longestMs] = [...lookingSinceMs.values()].sort((a, b) => a - b);
    const checks = view.looking.filter((check) => lookingSinceMs.get(check) === longestMs);
    stopLooking = ports.after((longestMs ?? nowMs) + LOOKED_LONG_ENOUGH_MS - nowMs, () => tell({ kind: 'looked-long-enough', checks }));
  };

  /** One that fails keeps nobody else from hearing it. */
  const hear = (listener: () => void) => {
    try {
      listener();
    } catch (error) {
      ports.onTrouble(String(error));
    }
  };

  /** A listener that changes the view is heard to its end first: nobody gets the newer view before the older. */
  const tellAll = () => {
    if (isTelling) return;
    isTelling = true;
    try {
      for (let next = untold.shift(); next; next = untold.shift()) {
        for (const listener of [...listeners]) hear(() => listener(next.view, next.before));
      }
    } finally {
      isTelling = false;
    }
  };

  const snapshots = keepSnapshot({
    after: ports.after,
    monotonicMs: ports.monotonicMs,
    onHeard(snapshot) {
      trouble = null;
      tell({ kind: 'heard', snapshot, at: now() });
    },
  });

  /** Who asks without waiting has nothing to do with an answer; a link that is lost is told elsewhere. */
  const mention = (said: Promise<unknown>) => void said.catch(() => {});
  const sayApplied = (client: LocalApiClient | null) => client && applied && mention(client.acknowledgeWindow(applied));
  const sayActivity = (client: LocalApiClient | null) => client && activity && mention(client.reportActivity({ says: activity }));

  const link = keepLink({
    ...ports,
    async greet(client) {
      client.on('verdictChanged', (verdict) => {
        tell({ kind: 'verdict', verdict });
        snapshots.changed({ verdict });
      });
      client.on('gateChanged', (gate) => {
        tell({ kind: 'gate', gate });
        snapshots.changed({ gate });
      });
      client.on('progress', (progress) => {
        tell({ kind: 'progress', progress });
        snapshots.changed({});
      });
      await snapshots.follow(client);
      sayApplied(client);
      sayActivity(client);
    },
    onWithout(link, why) {
      snapshots.leave();
      const detail = `${why.code}: ${why.message}`;
      if (detail !== trouble) ports.onTrouble(detail);
      trouble = detail;
      tell({ kind: 'without-daemon', link });
    },
  });

  async function ask<T, C extends FaultCode>(call: (client: LocalApiClient) => Promise<Result<T, C>>): Promise<Result<T, C | 'no-daemon'>> {
    const client = link.client();
    if (!client) return noDaemon(trouble ?? 'not connected');
    try {
      return await call(client);
    } catch (error) {
      if (!(error instanceof LinkFault)) throw error;
      // It hangs, or hears us no more: a new connection tells.
      if (error.code === 'timed-out') client.close();
      return noDaemon(`${error.code}: ${error.message}`);
    }
  }

  return {
    view: () => view,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    recheck: (check) => ask((client) => client.recheck(check === undefined ? {} : { check })),
    history: () => ask((client) => client.history()),
    release: (code) => ask((client) => client.release({ code })),
    submitEvidence: (check, reading) => ask((client) => client.submitEvidence({ check, reading })),
    acknowledgeWindow(what) {
      applied = { applied: what, at: now() };
      sayApplied(link.client());
    },
    reportActivity(says) {
      activity = says;
      sayActivity(link.client());
    },
    showCcp: (ccp, trouble = null) => tell({ kind: 'ccp', ccp, trouble }),
    showLocale: (choice, inUse) => tell({ kind: 'locale', choice, inUse }),
    wake() {
      link.wake();
      snapshots.changed({});
    },
    stop() {
      snapshots.leave();
      stopLooking();
      link.stop();
      listeners.clear();
    },
  };
}

function noDaemon(detail: string): { ok: false; error: { code: 'no-daemon'; detail: string } } {
  return { ok: false, error: { code: 'no-daemon', detail: detail.slice(0, 500) } };
}
