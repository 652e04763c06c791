import { z } from 'zod';
import type { FaultCode } from '../../contracts/fault.ts';
import { type Problem, parseUnknown } from '../../contracts/parse.ts';
import { type DocumentClaims, type DocumentKind, SignedDocument, type VerificationKey } from '../../contracts/signed-document.ts';
import { signatureProblem } from './verify-signature.ts';

/** `bad-request`: the envelope or the body is not what it should be. `internal`: it was good, and could not be stored. */
export type RefusalCode = Extract<
  FaultCode,
  'bad-request' | 'unsupported-schema' | 'bad-signature' | 'wrong-instance' | 'older-revision' | 'internal'
>;

export interface Refusal {
  ok: false;
  code: RefusalCode;
  detail: string;
}

export interface Expected<S extends z.ZodType> {
  kind: DocumentKind;
  schema: S;
  instance: DocumentClaims['instance'];
}

export type ReadDocument<T> = { ok: true; document: SignedDocument; value: T } | Refusal;

const MAX_DETAIL_LENGTH = 500;

/** What bodies that name their own revision and instance say; it must be what the envelope says. */
const Stated = z.object({
  revision: z.number().optional(),
  instance: z.object({ alias: z.string().optional(), region: z.string().optional() }).optional(),
});

/** Whether a stranger's value is a document of this kind, signed by one of the keys, for this instance, with a body that parses. */
export function readDocument<S extends z.ZodType>(
  raw: unknown,
  { kind, schema, instance }: Expected<S>,
  keys: readonly VerificationKey[],
): ReadDocument<z.output<S>> {
  const envelope = parseUnknown(SignedDocument, raw);
  if (!envelope.ok) return malformed(envelope.problems);
  const document = envelope.value;
  const unsigned = signatureProblem(document, keys);
  if (unsigned !== null) return refusal('bad-signature', unsigned);
  if (document.kind !== kind) return refusal('bad-request', `a document of kind ${document.kind}, not ${kind}`);
  if (!isFor(instance, document.instance))
    return refusal('wrong-instance', `for ${document.instance.alias} in ${document.instance.region}`);
  return readBody(document, schema);
}

export function refusal(code: RefusalCode, detail: string): Refusal {
  return { ok: false, code, detail: detail.slice(0, MAX_DETAIL_LENGTH) };
}

export function malformed(problems: readonly Problem[]): Refusal {
  const newer = problems.some(({ path }) => path.length === 1 && path[0] === 'schema');
  const detail = problems.map(({ path, message }) => [path.join('.'), message].filter(Boolean).join(': ')).join('; ');
  return refusal(newer ? 'unsupported-schema' : 'bad-request', detail);
}

/** `same`: nothing new. There is no way back, and a revision never changes its body. */
export function compareRevision(held: SignedDocument | null, offered: SignedDocument): 'newer' | 'same' | Refusal {
  if (held === null || offered.revision > held.revision) return 'newer';
  if (offered.revision < held.revision) return refusal('older-revision', `revision ${offered.revision}, held is ${held.revision}`);
  if (offered.body !== held.body) return refusal('older-revision', `revision ${held.revision} is held with another body`);
  return 'same';
}

function readBody<S extends z.ZodType>(document: SignedDocument, schema: S): ReadDocument<z.output<S>> {
  let raw: unknown;
  try {
    raw = JSON.parse(document.body);
  } catch {
    return refusal('bad-request', 'the body is not JSON');
  }
  const body = parseUnknown(schema, raw);
  if (!body.ok) return malformed(body.problems);
  const stated = Stated.safeParse(raw);
  if (!stated.success) return { ok: true, document, value: body.value };
  const { revision, instance } = stated.data;
  if (revision !== undefined && revision !== document.revision) {
    return refusal('bad-request', `the body is revision ${revision}, the envelope ${document.revision}`);
  }
  if (instance && !isFor(document.instance, { ...document.instance, ...instance })) {
    return refusal('wrong-instance', `the body is for ${instance.alias ?? 'any alias'} in ${instance.region ?? 'any Region'}`);
  }
  return { ok: true, document, value: body.value };
}

function isFor(instance: DocumentClaims['instance'], named: { alias?: string | undefined; region?: string | undefined }): boolean {
  return named.alias === instance.alias && named.region === instance.region;
}
