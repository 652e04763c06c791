import { expect, it } from 'vitest';
import { NothingCommitted } from '../../../fleet/db/pool.ts';
import { toFault } from '../../../fleet/http/to-fault.ts';

const withCode = (code: string) => Object.assign(new Error('as it was said'), { code });

it.each([
  ['a connection that broke in the midst of a statement', withCode('EPIPE')],
  ['a database that does not listen', withCode('ECONNREFUSED')],
  ['one whose socket is gone', withCode('ENOENT')],
  ['one that starts', withCode('57P03')],
  ['a statement that took too long', withCode('57014')],
  ['a deadlock', withCode('40P01')],
  ['a lock that was not to be had', withCode('55P03')],
  ['a connection that node-postgres lost', new Error('Connection terminated unexpectedly')],
  ['a transaction on a lost connection', new Error('Client has encountered a connection error and is not queryable')],
  ['a commit that was none', new NothingCommitted()],
])('%s is told as a fleet that is away for a moment', (_what, error) => {
  expect(toFault(error, false)).toMatchObject({ code: 'unavailable', status: 503, place: { retryAfterSec: 5 } });
});

it.each([
  ['a fault of Node', withCode('ERR_INVALID_ARG_TYPE')],
  ['a row that breaks a constraint', withCode('23505')],
  ['a statement with a fault', withCode('42601')],
  ['anything else', new TypeError('x is not a function')],
])('%s is our own fault', (_what, error) => {
  expect(toFault(error, false)).toMatchObject({ code: 'internal', status: 500 });
});
