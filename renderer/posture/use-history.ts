import { useCallback, useEffect, useState } from 'react';
import type { Client } from '../../contracts/call.ts';
import type { DeskHistory } from '../../contracts/desk-history.ts';
import type { DeskView, Ipc } from '../../contracts/ipc.ts';

/** The last 24 hours, asked for again with each change of the standing, and at most once a minute while the view goes on changing. */
export function useHistory(ipc: Client<Ipc>, { heardAt, snapshot }: Pick<DeskView, 'heardAt' | 'snapshot'>) {
  const [history, setHistory] = useState<DeskHistory | 'failed' | null>(null);
  const minute = heardAt?.slice(0, 16);
  const standing = snapshot?.verdict?.standing;
  const load = useCallback(async () => {
    const answer = await ipc.history(undefined);
    // What was there before is better than an error.
    setHistory((before) => (answer.ok ? answer.value : before === null || before === 'failed' ? 'failed' : before));
  }, [ipc]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new minute or standing is what asks again
  useEffect(() => {
    void load();
  }, [load, minute, standing]);
  return { history, load };
}
