// Which room may import what (docs/architecture.md). `test/contract/layers.test.ts` proves that each rule fires.

/** Rooms whose code reaches users; the others only build and test it. */
const shipped = '^(contracts|checks|agent|main|renderer|fleet)/';

/** @param {string} name @param {string} from @param {string[]} allowed @param {string} comment */
const only = (name, from, allowed, comment) => ({
  name,
  comment,
  severity: 'error',
  from: { path: from },
  to: { pathNot: allowed },
});

/** @param {string} name @param {string} from @param {string} to @param {string} comment */
const never = (name, from, to, comment) => ({ name, comment, severity: 'error', from: { path: from }, to: { path: to } });

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    only('contracts-know-zod-only', '^contracts/', ['^contracts/', '^node_modules/zod/'], 'contracts import zod and each other'),
    only(
      'checks-are-pure',
      '^checks/',
      ['^(contracts|checks)/', '^node_modules/(zod|yaml)/'],
      'checks reach the machine through host.ts only; zod and yaml touch none',
    ),
    never('agent-knows-no-face', '^agent/', '^(main|renderer|fleet)/', 'the agent is spoken to, it speaks to nobody in process'),
    never(
      'main-knows-contracts-and-texts',
      '^main/',
      '^(checks/(?!texts/)|agent|renderer|fleet)',
      'main asks the agent over the local socket',
    ),
    never('renderer-knows-no-host', '^renderer/', '^(agent|main|fleet)/', 'renderer sees contracts and checks'),
    never('fleet-knows-no-desk', '^fleet/', '^(agent|main|renderer)/', 'fleet sees contracts and checks'),
    only(
      'console-knows-contracts-and-texts',
      '^fleet/console/',
      ['^fleet/console/', '^contracts/', '^checks/texts/', '^node_modules/'],
      'the web page reaches the server over its API',
    ),
    {
      name: 'pages-have-no-node',
      comment: 'renderer runs in a browser',
      severity: 'error',
      from: { path: '^renderer/', pathNot: '^renderer/vite\\.config\\.ts$' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'electron-in-main-only',
      comment: 'everything else runs and is tested without Electron; the rig is tested against it',
      severity: 'error',
      from: { pathNot: ['^main/(main|preload)\\.ts$', '^main/electron/', '^test/electron-rig/', '^node_modules/'] },
      to: { path: '^(node_modules/electron/|electron$)' },
    },
    never('shipped-code-knows-no-tests', shipped, '^(build|test)/', 'build and test import the product, never the other way'),
    {
      name: 'shipped-code-has-no-dev-dependency',
      comment: 'electron is the exception: its packager wants it there',
      severity: 'error',
      from: { path: shipped, pathNot: '^renderer/vite\\.config\\.ts$' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'], pathNot: ['^node_modules/electron/'] },
    },
    {
      name: 'no-cycles',
      comment: 'types may refer to each other, code may not',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'imports-resolve',
      comment: 'a file or a package that is not there',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: ['^electron$'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|coverage)/' },
    tsPreCompilationDeps: true,
    // Plain by-name resolution: every import of ours carries its extension.
    enhancedResolveOptions: {
      extensions: ['.ts', '.tsx', '.js', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'types'],
    },
  },
};
