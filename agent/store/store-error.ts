/**
 * Why the disk did not do as asked: `disk-full` (also a quota), `read-only` and `denied` by the system; `not-storable`,
 * a value that could not be read back; `in-use`, by another daemon; `io`, anything else.
 */
export type StoreFault = 'disk-full' | 'read-only' | 'denied' | 'not-storable' | 'in-use' | 'io';

export class StoreError extends Error {
  readonly code: StoreFault;

  constructor(code: StoreFault, detail: string, cause?: unknown) {
    super(detail, { cause });
    this.name = 'StoreError';
    this.code = code;
  }
}

const faults: Record<string, StoreFault> = {
  ENOSPC: 'disk-full',
  EDQUOT: 'disk-full',
  EROFS: 'read-only',
  EACCES: 'denied',
  EPERM: 'denied',
};

export function errnoOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

export function toStoreError(error: unknown, path: string): StoreError {
  if (error instanceof StoreError) return error;
  const errno = errnoOf(error);
  return new StoreError(faults[errno] ?? 'io', `${path}: ${errno || String(error)}`, error);
}
