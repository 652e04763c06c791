import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { satisfies } from 'semver';
import { describe, expect, it } from 'vitest';
import { agentDependencies, agentDependenciesPath } from '../../build/gen/agent-dependencies.ts';
import { productionPackages } from '../../build/gen/packages.ts';
import { repoRoot } from '../../build/repo.ts';

/** What must never be part of the agent, and why not. */
const neverInAgent: Readonly<Record<string, string>> = {
  esbuild: 'builds the agent',
  tsx: 'the agent is shipped bundled',
  typescript: 'the agent is shipped bundled',
  vitest: 'tests',
  'fast-check': 'tests',
  electron: 'the daemon has no face of its own',
  fastify: 'the desk listens on no TCP port',
  pg: 'the store is the fleet’s',
};

describe('what dist/agent is made of', async () => {
  const recorded = await readFile(path.join(repoRoot, agentDependenciesPath), 'utf8').catch(() => '');
  const names = recorded.split('\n').flatMap((line) => (line === '' ? [] : [line.slice(0, line.lastIndexOf(' '))]));

  it('is what docs/deps.agent.txt says', async () => {
    expect(await agentDependencies(), 'run `npm run gen`, and say in the commit what the new dependency replaces').toBe(recorded);
  });

  it('holds nothing that belongs elsewhere', () => {
    expect(names.filter((name) => Object.hasOwn(neverInAgent, name)).map((name) => `${name}: ${neverInAgent[name]}`)).toEqual([]);
  });

  it('is locked for production', async () => {
    const locked = new Set((await productionPackages()).map(({ name, version }) => `${name} ${version}`));
    expect(recorded.split('\n').filter((line) => line !== '' && !locked.has(line))).toEqual([]);
  });
});

/** Fetches Electron's program and rebuilds native add-ons for it; its types and our bundles need neither (ADR 0018). */
const electronsOwn = ['electron', '@electron/get', '@electron-internal/extract-zip', '@electron/rebuild', 'node-abi'];

it('every package runs on the oldest Node that we name, but those that only fetch Electron', async () => {
  const read = async (name: string) => JSON.parse(await readFile(path.join(repoRoot, name), 'utf8'));
  const oldest = (await read('package.json')).engines.node.replace('>=', '');
  const { packages } = (await read('package-lock.json')) as { packages: Record<string, { engines?: { node?: string } }> };
  const tooNew = Object.entries(packages)
    .filter(([, { engines }]) => !satisfies(`${oldest}.0`, engines?.node ?? '*'))
    .map(([place]) => place.replace(/^.*node_modules\//, ''));
  expect(tooNew.sort()).toEqual(electronsOwn.sort());
});
