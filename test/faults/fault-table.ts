import type { Reporter, TestModule } from 'vitest/node';

const FAULT_WIDTH = 62;

/** Prints what each fault was, what was done, and the state that it ended in. */
export default class FaultTable implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const rows = modules
      .filter((module) => module.relativeModuleId.startsWith('test/faults/'))
      .flatMap((module) => [...module.children.allTests()])
      .map((test) => {
        const { state } = test.result();
        const { done = '', ended = '' } = (test.meta() as { fault?: { done: string; ended: string } }).fault ?? {};
        return [test.name, done, state === 'passed' ? ended : `${state.toUpperCase()} ${ended}`];
      });
    console.log(`\n${'fault'.padEnd(FAULT_WIDTH)} | what was done | state it ended in`);
    for (const [fault = '', done = '', ended = ''] of rows) console.log(`${fault.padEnd(FAULT_WIDTH)} | ${done} | ${ended}`);
  }
}
