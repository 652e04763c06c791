import type { Machine } from '../../fleet/db/embedded.ts';

export const thisMachine: Machine = {
  platform: process.platform,
  arch: process.arch,
  pid: process.pid,
  uid: process.getuid?.() ?? null,
  kill: (pid, signal) => process.kill(pid, signal),
};
