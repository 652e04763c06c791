/** Entry of the child process in which the operating system looks names up: getaddrinfo may hang, and this process may be killed. */
import { lookup } from 'node:dns';
import type { LookupAnswer, LookupQuestion } from './system-lookup.ts';

const KEPT_ADDRESSES = 16;

function tell(message: LookupAnswer): void {
  // The channel is closed when the parent is gone; `disconnect` then ends this process.
  if (process.connected) process.send?.(message);
}

process.on('message', (question: LookupQuestion) => {
  lookup(question.name, { all: true, family: question.family, verbatim: true }, (error, found) => {
    const addresses = error ? [] : found.slice(0, KEPT_ADDRESSES).map((entry) => entry.address);
    tell({ id: question.id, code: error ? (error.code ?? 'unknown') : null, addresses });
  });
});

// An ordinary exit joins the thread pool and would hang with a lookup that hangs.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));

tell('ready');
