import type { AnyCheck, Check } from '../../checks/check.ts';
import type { SessionHost } from '../../checks/host.ts';
import type { ProbeTask } from '../../contracts/ipc.ts';
import type { ProbeReading } from '../../contracts/local-api.ts';

/** Runs one probe. Never rejects, and ends by the check's deadline even if the probe does not. */
export async function runTask(task: ProbeTask, checks: readonly AnyCheck[], host: SessionHost): Promise<ProbeReading> {
  const check = checks.find((one): one is Check<'session'> => one.id === task.check && one.venue === 'session');
  if (!check) return blind('unsupported', task.check);
  const ending = new AbortController();
  const late = new Promise<'late'>((resolve) => setTimeout(resolve, check.timeoutMs, 'late' as const));
  try {
    const ended = await Promise.race([check.observe(host, task.params, null, ending.signal), late]);
    if (ended === 'late') return blind('timed-out', `no result within ${check.timeoutMs} ms`);
    if (ended.seen === 'nothing-to-see') return blind('unsupported', ended.because);
    return ended.seen ? { seen: true, evidence: ended.value } : blind(ended.cause, ended.detail);
  } catch (error) {
    return blind('crashed', String(error));
  } finally {
    ending.abort();
  }
}

function blind(cause: Extract<ProbeReading, { seen: false }>['cause'], detail: string): ProbeReading {
  return { seen: false, cause, detail: detail.slice(0, 300) };
}
