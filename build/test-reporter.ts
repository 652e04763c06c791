import { writeFileSync } from 'node:fs';
import type { Reporter, SerializedError, TestCase, TestModule } from 'vitest/node';

export interface TestRecord {
  name: string;
  state: 'passed' | 'failed' | 'skipped';
  /** Only for `skipped`; empty when the test does not say why. */
  reason: string;
}

export interface TestRecords {
  tests: TestRecord[];
  /** Files that could not be loaded and errors outside any test. */
  errors: string[];
}

/** Names the file that the records are written to. */
export const recordsVariable = 'DESKWARDEN_TEST_RECORDS';

/**
 * One line for each test file as it ends, failures in full, and the records as JSON for `npm test` to count.
 * A skipped test gives its reason by `ctx.skip(reason)`, or in its name or its suite's, in square brackets or after a
 * colon: `describe.skipIf(!root)('lab [needs root on Linux]', ...)`.
 */
export default class TestReporter implements Reporter {
  private readonly records: TestRecords = { tests: [], errors: [] };

  onUserConsoleLog(log: { content: string }): void {
    process.stdout.write(log.content);
  }

  onTestModuleEnd(module: TestModule): void {
    const file = module.relativeModuleId;
    const tests = [...module.children.allTests()].map((test) => ({ test, record: toRecord(file, test) }));
    this.records.tests.push(...tests.map(({ record }) => record));
    const count = (state: TestRecord['state']) => tests.filter(({ record }) => record.state === state).length;
    const mark = module.ok() ? 'ok  ' : 'FAIL';
    const counts = `${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped`;
    console.log(`  ${mark} ${file}: ${counts}, ${seconds(module.diagnostic().duration)}`);

    for (const { test, record } of tests) {
      if (record.state === 'failed') show(record.name, test.result().errors ?? []);
    }
    const suites = [...module.children.allSuites()];
    const outside = [...module.errors(), ...suites.flatMap((suite) => suite.errors())];
    if (outside.length > 0) {
      show(file, outside);
      this.records.errors.push(file);
    }
  }

  onTestRunEnd(_modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    if (unhandled.length > 0) {
      show('errors outside any test', unhandled);
      this.records.errors.push(...unhandled.map((error) => error.message));
    }
    const recordsPath = process.env[recordsVariable];
    if (recordsPath) writeFileSync(recordsPath, JSON.stringify(this.records));
  }
}

function toRecord(file: string, test: TestCase): TestRecord {
  const name = `${file} > ${test.fullName}`;
  const result = test.result();
  if (result.state === 'failed' || result.state === 'passed') return { name, state: result.state, reason: '' };
  const note = result.state === 'skipped' ? result.note : undefined;
  return { name, state: 'skipped', reason: note ?? reasonIn(test.fullName) };
}

function reasonIn(name: string): string {
  return (/\[(.+?)\]/.exec(name) ?? /: (.+)/.exec(name))?.[1] ?? '';
}

function show(name: string, errors: readonly SerializedError[]): void {
  console.log(`\n  FAIL ${name}`);
  for (const error of errors) console.log(indent(inWords(error)));
  console.log('');
}

/** With what caused it: a property that failed says there what its last case met. */
function inWords(error: SerializedError): string {
  const diff = typeof error.diff === 'string' ? `\n${error.diff}` : '';
  const stack = (error.stack ?? error.message).replace(/^ +at .*node_modules.*\n?/gm, '');
  return `${stack}${diff}${error.cause ? `\ncaused by: ${inWords(error.cause)}` : ''}`;
}

function indent(text: string): string {
  return text.replace(/^/gm, '    ');
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
