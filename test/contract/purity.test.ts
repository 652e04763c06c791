import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { repoRoot } from '../../build/repo.ts';

/** What a pure room may not name: the process, the clock, chance, timers, the network, the screen. */
const impure = new Set([
  ...['process', 'global', 'globalThis', 'require', 'console', 'performance', 'crypto', 'Buffer'],
  ...['fetch', 'WebSocket', 'XMLHttpRequest', 'EventSource', 'window', 'document', 'navigator', 'localStorage', 'Intl'],
  ...['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'Worker', 'Function'],
]);

describe('purity of contracts and checks', () => {
  it.each(['contracts', 'checks'])('%s names nothing of the outside', async (room) => {
    const files = await sourcesOf(room);
    expect(files.length).toBeGreaterThan(0);
    expect(files.flatMap(impurities)).toEqual([]);
  });

  it.each([
    ['process.cwd()', 'process'],
    ['const n = typeof process', 'process'],
    ['Date.now()', 'Date.now'],
    ['const { now } = Date', 'Date'],
    ['new Date()', 'new Date()'],
    ['Date()', 'Date()'],
    ['Math.random()', 'Math.random'],
    ["Math['random']()", 'Math.random'],
    ['const { random } = Math', 'Math'],
    ['[1].map(Math.random)', 'Math.random'],
    ["fetch('http://127.0.0.1')", 'fetch'],
    ['setTimeout(() => 1, 1)', 'setTimeout'],
    ["Buffer.from('x')", 'Buffer'],
    ['let b: Buffer', 'Buffer'],
    ['const o = { fetch }', 'fetch'],
    ["import('node:fs')", 'import()'],
    ["eval('1')", 'eval'],
  ])('finds %s', (code, found) => {
    expect(impurities(parse('sample.ts', code))).toEqual([`sample.ts:1 ${found}`]);
  });

  it.each([
    'new Date(0)',
    'new Date(text).getTime()',
    'Date.parse(text)',
    'Math.max(1, 2)',
    'host.process',
    'const o = { document: 1 }',
    'function f(fetch: number) { return fetch }',
  ])('lets %s be', (code) => {
    expect(impurities(parse('sample.ts', code))).toEqual([]);
  });
});

describe('the process in agent', () => {
  /** The only files that may ask which machine this is; the rest is told. */
  const compositionRoots = ['agent/deskwarden.ts'];

  it('is asked for platform and environment in the composition root only', async () => {
    const files = (await sourcesOf('agent')).filter((file) => !compositionRoots.includes(file.fileName));
    expect(files.flatMap(machineQuestions)).toEqual([]);
  });

  it.each([
    'process.env',
    'process.platform',
    "process['env']",
    'const { env } = process',
    "import { platform } from 'node:process'",
    "import { platform } from 'node:os'",
    "import os from 'node:os'; os.platform()",
  ])('finds %s', (code) => expect(machineQuestions(parse('sample.ts', code))).toHaveLength(1));

  it('lets the streams and the exit code be', () => {
    expect(machineQuestions(parse('sample.ts', 'process.stdout.write(host.platform); process.exitCode = 1'))).toEqual([]);
  });
});

function impurities(file: ts.SourceFile): string[] {
  const declared = declaredNames(file);
  return findings(file, (node) => {
    if (ts.isNewExpression(node) && named(node.expression, 'Date') && !node.arguments?.length) return 'new Date()';
    if (ts.isCallExpression(node) && named(node.expression, 'Date')) return 'Date()';
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) return 'import()';
    const member = memberOf(node);
    if (member === 'Date.now' || member === 'Math.random') return member;
    if (!ts.isIdentifier(node) || !isReference(node)) return null;
    if ((node.text === 'Date' || node.text === 'Math') && ts.isVariableDeclaration(node.parent)) return node.text;
    return node.text === 'eval' || (impure.has(node.text) && !declared.has(node.text)) ? node.text : null;
  });
}

function machineQuestions(file: ts.SourceFile): string[] {
  const asked = new Set(['process.env', 'process.platform', 'os.platform', 'os.type']);
  return findings(file, (node) => {
    const member = memberOf(node);
    if (member !== null && asked.has(member)) return member;
    if (ts.isVariableDeclaration(node) && ts.isObjectBindingPattern(node.name) && node.initializer && named(node.initializer, 'process')) {
      return 'process taken apart';
    }
    const imported = ts.isImportSpecifier(node) && (node.propertyName ?? node.name).text;
    return imported === 'env' || imported === 'platform' ? `import of ${imported}` : null;
  });
}

function findings(file: ts.SourceFile, judge: (node: ts.Node) => string | null): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    const what = judge(node);
    if (what !== null) found.push(`${file.fileName}:${file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1} ${what}`);
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

function named(node: ts.Node, name: string): boolean {
  return ts.isIdentifier(node) && node.text === name;
}

/** `a.b` for `a.b` and `a['b']`. */
function memberOf(node: ts.Node): string | null {
  if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression)) return `${node.expression.text}.${node.name.text}`;
  if (ts.isElementAccessExpression(node) && ts.isIdentifier(node.expression) && ts.isStringLiteral(node.argumentExpression)) {
    return `${node.expression.text}.${node.argumentExpression.text}`;
  }
  return null;
}

/** False where an identifier is only the name of a property. */
function isReference(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.name !== node;
  if (ts.isBindingElement(parent)) return parent.propertyName !== node;
  const namesProperty =
    ts.isPropertyAssignment(parent) ||
    ts.isPropertySignature(parent) ||
    ts.isPropertyDeclaration(parent) ||
    ts.isMethodDeclaration(parent) ||
    ts.isMethodSignature(parent);
  return !(namesProperty && parent.name === node);
}

/** Names that the file declares itself, wherever it does: they are not the globals. */
function declaredNames(file: ts.SourceFile): Set<string> {
  const names = new Set<string>();
  const visit = (node: ts.Node): void => {
    const declares =
      ts.isVariableDeclaration(node) ||
      ts.isParameter(node) ||
      ts.isBindingElement(node) ||
      ts.isFunctionDeclaration(node) ||
      ts.isImportSpecifier(node) ||
      ts.isImportClause(node) ||
      ts.isInterfaceDeclaration(node) ||
      ts.isTypeAliasDeclaration(node);
    if (declares && node.name && ts.isIdentifier(node.name)) names.add(node.name.text);
    ts.forEachChild(node, visit);
  };
  visit(file);
  return names;
}

function parse(name: string, text: string): ts.SourceFile {
  return ts.createSourceFile(name, text, ts.ScriptTarget.ES2023, true);
}

async function sourcesOf(room: string): Promise<ts.SourceFile[]> {
  const names = await readdir(path.join(repoRoot, room), { recursive: true });
  const sources = names.filter((name) => name.endsWith('.ts')).sort();
  return Promise.all(
    sources.map(async (name) =>
      parse(path.posix.join(room, name.split(path.sep).join('/')), await readFile(path.join(repoRoot, room, name), 'utf8')),
    ),
  );
}
