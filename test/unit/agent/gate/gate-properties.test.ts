import { describeGateProperties, RUNS } from './gate-properties.ts';

/** A new one each time; one that found something is in the name of the test that failed. */
const seed = Number(process.env.DESKWARDEN_SEED ?? Date.now() % 0x7fffffff);
describeGateProperties(Number(process.env.DESKWARDEN_HISTORIES ?? RUNS), seed);
