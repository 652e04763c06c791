import { describeGateProperties, RUNS } from './gate-properties.ts';

/** A new one each time; one that found something is in the name of the test that failed. */
describeGateProperties(RUNS, Date.now() % 0x7fffffff);
