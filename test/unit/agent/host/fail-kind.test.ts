import { expect, it } from 'vitest';
import { failureOf } from '../../../../agent/host/fail-kind.ts';
import type { FailKind } from '../../../../checks/network/observations.ts';

it.each<[string, string, FailKind]>([
  ['EAFNOSUPPORT', 'connect', 'no-route'],
  ['ECONNRESET', 'read', 'reset'],
  ['ECONNRESET', '', 'closed'],
  ['EMFILE', 'connect', 'other'],
])('%s of "%s" is %s', (code, syscall, kind) => {
  expect(failureOf('tcp', Object.assign(new Error(code), { code, syscall }))).toEqual({ step: 'tcp', kind, code });
});
