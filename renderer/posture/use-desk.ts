import { useCallback, useEffect, useState } from 'react';
import type { Client } from '../../contracts/call.ts';
import type { CheckId } from '../../contracts/finding.ts';
import type { DeskView, Ipc } from '../../contracts/ipc.ts';
import { followRechecks, type Rechecks, type Refusal, refusalOf, refuseRecheck, startRecheck } from './model/recheck.ts';

/** The view as it comes, and the checks that were asked for from this window. */
export function useDesk(ipc: Client<Ipc>, now: Date) {
  const [view, setView] = useState<DeskView | null>(null);
  const [rechecks, setRechecks] = useState<Rechecks>(new Map());

  useEffect(() => {
    // What is pushed is newer than what was asked for before.
    let isPushed = false;
    const off = ipc.on('viewChanged', (next) => {
      isPushed = true;
      setView(next);
    });
    void ipc.view(undefined).then((answer) => {
      if (answer.ok && !isPushed) setView(answer.value);
    });
    return off;
  }, [ipc]);

  // The main process is told of no device that comes or goes; a page is.
  useEffect(() => {
    const media = navigator.mediaDevices as MediaDevices | undefined;
    const tell = () => void ipc.devicesChanged(undefined);
    media?.addEventListener('devicechange', tell);
    return () => media?.removeEventListener('devicechange', tell);
  }, [ipc]);

  const snapshot = view?.snapshot ?? null;
  useEffect(() => {
    if (view === null || snapshot === null) return;
    const { verdict, findings } = snapshot;
    const causes = verdict?.causes ?? [];
    const checkOf = new Map(findings.map((finding) => [finding.rule, finding.check]));
    const rules = [...(verdict?.undetermined ?? []), ...causes.flatMap(({ rule, explains }) => [rule, ...explains])];
    const counted = new Set(rules.flatMap((rule) => checkOf.get(rule) ?? []));
    setRechecks((before) => followRechecks(before, { looking: view.looking, findings, counted }, now));
  }, [view, snapshot, now]);

  const recheck = useCallback(
    async (check: CheckId) => {
      setRechecks((before) => startRecheck(before, check, new Date()));
      const answer = await ipc.recheck({ check });
      if (!answer.ok) setRechecks((before) => refuseRecheck(before, check, answer.error));
    },
    [ipc],
  );
  return { view, rechecks, recheck };
}

/** Asks for everything, and keeps why it was refused until it can be asked for again: a new object for each refusal. */
export function useRecheckAll(ipc: Client<Ipc>, isThere: boolean) {
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  useEffect(() => {
    if (isThere) setRefusal((before) => (before?.code === 'no-daemon' ? null : before));
  }, [isThere]);
  useEffect(() => {
    if (refusal === null || refusal.inMs === null) return;
    const timer = setTimeout(() => setRefusal(null), refusal.inMs);
    return () => clearTimeout(timer);
  }, [refusal]);
  const recheckAll = useCallback(async () => {
    const answer = await ipc.recheck({});
    setRefusal(answer.ok ? null : refusalOf(answer.error));
  }, [ipc]);
  return { refusal, recheckAll };
}

/**
 * Every second while something counts down, every half minute otherwise; and at once with each view that comes and when somebody
 * looks again: timers stand still while the computer sleeps, and nearly so in a hidden window.
 */
export function useNow(everySecond: boolean, ipc?: Client<Ipc>): Date {
  const [now, setNow] = useState(() => new Date());
  useEffect(() => {
    const tick = () => setNow(new Date());
    tick();
    const timer = setInterval(tick, everySecond ? 1_000 : 30_000);
    const off = ipc?.on('viewChanged', tick);
    window.addEventListener('focus', tick);
    document.addEventListener('visibilitychange', tick);
    return () => {
      clearInterval(timer);
      off?.();
      window.removeEventListener('focus', tick);
      document.removeEventListener('visibilitychange', tick);
    };
  }, [everySecond, ipc]);
  return now;
}
