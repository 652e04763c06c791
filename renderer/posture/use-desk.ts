import { useCallback, useEffect, useState } from 'react';
import type { Client } from '../../contracts/call.ts';
import type { CheckId } from '../../contracts/finding.ts';
import type { DeskView, Ipc } from '../../contracts/ipc.ts';
import { followRechecks, type Rechecks, refuseRecheck, startRecheck } from './model/recheck.ts';

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
      if (!answer.ok) setRechecks((before) => refuseRecheck(before, check, answer.error.code));
    },
    [ipc],
  );
  return { view, rechecks, recheck };
}

/** Every second while something counts down, every half minute otherwise. */
export function useNow(everySecond: boolean): Date {
  const [now, setNow] = useState(() => new Date());
  useEffect(() => {
    setNow(new Date());
    const timer = setInterval(() => setNow(new Date()), everySecond ? 1_000 : 30_000);
    return () => clearInterval(timer);
  }, [everySecond]);
  return now;
}
