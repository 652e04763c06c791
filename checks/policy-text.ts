import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type Scalar,
  visit,
  type YAMLMap,
} from 'yaml';
import type { Allowlist } from '../contracts/allowlist.ts';
import type { PlacedProblem } from '../contracts/console/policies.ts';
import { type Problem, parseUnknown } from '../contracts/parse.ts';
import { PolicyFile } from '../contracts/policy.ts';
import type { AnyCheck } from './check.ts';
import { nearest } from './nearest.ts';
import { policyMessages } from './policy-messages.ts';
import { knownKeys, policySchema } from './policy-schema.ts';
import { policyProblems } from './resolve-policy.ts';

export type PolicyRead = { ok: true; file: PolicyFile } | { ok: false; problems: PlacedProblem[] };

const UNKNOWN_KEY = /\bunknown key "/;

/** Enough of a wrong value to find it by. */
const MAX_QUOTED = 40;

/** More than this many help nobody. */
const MAX_PROBLEMS = 20;

export interface PolicyFacts {
  checks: readonly AnyCheck[];
  allowlist: Allowlist;
  /** What only who reads it knows, such as whose policy it may be. */
  furtherProblems?: (file: PolicyFile) => readonly Problem[];
}

/** YAML 1.2 or JSON, which is a part of it. Every problem is placed; a syntax problem hides those of meaning. */
export function parsePolicyText(text: string, { checks, allowlist, furtherProblems = () => [] }: PolicyFacts): PolicyRead {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    version: '1.2',
    schema: 'core',
    merge: false,
    // Found below: the library compares each key with all before it, and a megabyte of keys would take minutes.
    uniqueKeys: false,
    stringKeys: true,
    resolveKnownTags: false,
    prettyErrors: false,
    lineCounter: lines,
  });
  const syntax = syntaxProblems(document);
  if (syntax.length > 0) return refuse(syntax, lines);
  if (document.contents === null) return refuse([{ offset: 0, key: '', message: policyMessages.empty }], lines);

  const value: unknown = document.toJS({ maxAliasCount: 0 });
  const parsed = parseUnknown(PolicyFile, value);
  const problems = parsed.ok ? [...furtherProblems(parsed.value), ...policyProblems(parsed.value, checks, allowlist)] : parsed.problems;
  if (parsed.ok && problems.length === 0) return { ok: true, file: parsed.value };
  return refuse(
    problems.map((problem) => ({
      offset: offsetOf(document, problem.path, UNKNOWN_KEY.test(problem.message)),
      key: writePath(problem.path),
      message: explain(problem, value),
    })),
    lines,
  );
}

interface Found {
  offset: number;
  key: string;
  message: string;
}

function refuse(found: Found[], lines: LineCounter): PolicyRead {
  const placed = found
    .toSorted((a, b) => a.offset - b.offset)
    .slice(0, MAX_PROBLEMS)
    .map(({ offset, key, message }) => {
      const { line, col } = lines.linePos(offset);
      return { line: Math.max(1, line), column: Math.max(1, col), key, message };
    });
  return { ok: false, problems: placed };
}

function syntaxProblems(document: Document.Parsed): Found[] {
  const found: Found[] = [];
  const add = (offset: number, message: string) => found.push({ offset, key: '', message });
  const exhausted = document.errors.some(({ code }) => code === 'RESOURCE_EXHAUSTION');
  if (exhausted) return [{ offset: 0, key: '', message: policyMessages.tooDeep }];

  for (const { code, message, pos } of document.errors) {
    if (code === 'MULTIPLE_DOCS') add(pos[0], policyMessages.severalDocuments);
    else add(pos[0], policyMessages.syntax(message));
  }
  const { yaml, tags } = document.directives;
  if (yaml.explicit || Object.keys(tags).length > 1) add(0, policyMessages.directive);
  try {
    visit(document, {
      Node(_, node) {
        if (isAlias(node) || node.anchor !== undefined) {
          if (!found.some(({ message }) => message === policyMessages.alias)) add(startOf(node), policyMessages.alias);
        } else if (node.tag !== undefined) add(startOf(node), policyMessages.tag(node.tag));
        if (isMap(node)) for (const key of repeatedKeys(node)) add(startOf(key), policyMessages.duplicateKey(String(key.value)));
      },
      Pair(_, { key }) {
        if (isScalar(key) && key.value === '<<') add(startOf(key), policyMessages.mergeKey);
      },
    });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return [{ offset: 0, key: '', message: policyMessages.tooDeep }];
  }
  return found;
}

function repeatedKeys({ items }: YAMLMap): Scalar[] {
  const seen = new Set<string>();
  return items.flatMap(({ key }) => {
    if (!isScalar(key)) return [];
    const isRepeated = seen.has(String(key.value));
    seen.add(String(key.value));
    return isRepeated ? [key] : [];
  });
}

function startOf(node: Node): number {
  return node.range?.[0] ?? 0;
}

/** Where the problem stands: at its value, at its key when the key itself is the problem, else at what should hold it. */
function offsetOf(document: Document.Parsed, path: readonly (string | number)[], atKey: boolean): number {
  let node: unknown = document.contents;
  let offset = 0;
  for (const [depth, segment] of path.entries()) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(segment));
      if (!isPair(pair)) break;
      if (isNode(pair.key)) offset = startOf(pair.key);
      node = pair.value;
      if (depth === path.length - 1 && !atKey && isScalar(node) && node.value !== null) offset = startOf(node);
    } else if (isSeq(node)) {
      const item: unknown = node.items[Number(segment)];
      if (!isNode(item)) break;
      offset = startOf(item);
      node = item;
    } else break;
  }
  return offset;
}

function writePath(path: readonly (string | number)[]): string {
  return path.reduce<string>((written, key) => {
    if (typeof key === 'number') return `${written}[${key}]`;
    return written === '' ? key : `${written}.${key}`;
  }, '');
}

function explain({ path, message }: Problem, value: unknown): string {
  const last = path.at(-1);
  if (message === `unknown key "${last}"`) {
    const near = nearest(String(last), knownKeys(policySchema(), path.slice(0, -1)));
    return near === null ? message : policyMessages.didYouMean(message, near);
  }
  const given = valueAt(value, path);
  if (last !== undefined && given === undefined && message.endsWith('received undefined')) return policyMessages.missing;
  return plainly(message, given);
}

/** Zod's words without their preamble; a text that stands where something else is wanted is quoted, as YAML makes `yes` one. */
function plainly(message: string, given: unknown): string {
  const plain = message.replace(/\bInvalid (?:input|option): /, '');
  if (typeof given !== 'string') return plain;
  const options = /expected one of (.+)$/.exec(plain)?.[1]?.match(/[^"|]+/g) ?? [];
  const near = nearest(given, options);
  if (near !== null) return policyMessages.didYouMean(plain, near);
  return plain.replace(/received string$/, `received the text ${JSON.stringify(given.slice(0, MAX_QUOTED))}`);
}

function valueAt(value: unknown, path: readonly (string | number)[]): unknown {
  let at = value;
  for (const key of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined;
    at = Object.entries(at).find(([name]) => name === String(key))?.[1];
  }
  return at;
}
