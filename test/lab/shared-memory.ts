import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const sharedMemoryDir = '/dev/shm';

/** squid names its segments after its service, and a service's name takes letters and digits only. */
export function squidService(labId: string): string {
  return labId.replaceAll('-', 'x');
}

/** No network namespace confines POSIX shared memory, and neither squid (when killed) nor libfaketime (ever) removes its own. */
export function removeSharedMemory(labId: string): void {
  if (!existsSync(sharedMemoryDir)) return;
  for (const entry of readdirSync(sharedMemoryDir)) {
    const owner = /^(?:sem\.)?faketime_s(?:em|hm)_(\d+)$/.exec(entry)?.[1];
    const orphaned = owner !== undefined && !existsSync(join('/proc', owner));
    if (orphaned || entry.startsWith(`${squidService(labId)}-`)) rmSync(join(sharedMemoryDir, entry), { force: true });
  }
}
