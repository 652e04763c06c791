/** Entry of the worker thread that reads strangers' requests and writes certificates. It keeps nothing between two jobs. */
import { parentPort } from 'node:worker_threads';
import { readRequest } from './read-request.ts';
import type { Numbered, SigningAnswer, SigningJob } from './signing-job.ts';
import { writeCertificate } from './write-certificate.ts';

function done(job: SigningJob): unknown {
  return job.kind === 'request' ? readRequest(job.csr) : writeCertificate(job.order, job.issuer);
}

parentPort?.on('message', ({ id, job }: Numbered) => {
  let answer: SigningAnswer;
  try {
    answer = { id, value: done(job) };
  } catch (error) {
    answer = { id, error: error instanceof Error ? error.message : 'unknown' };
  }
  parentPort?.postMessage(answer);
});
