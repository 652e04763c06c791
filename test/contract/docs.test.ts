import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { anchorsOf, linksOf } from '../../build/gen/markdown.ts';
import { repoRoot } from '../../build/repo.ts';

const binary = /\.(png|ico|icns|der|p12|gz|asar|woff2)$/;

/** Tracked files and those about to be; the pages of this repository are looked for among them. */
function repositoryFiles(): string[] {
  const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], { cwd: repoRoot, encoding: 'utf8' });
  return listed.split('\0').filter((name) => name !== '' && existsSync(path.join(repoRoot, name)));
}

function read(name: string): string {
  return readFileSync(path.join(repoRoot, name), 'utf8');
}

const files = repositoryFiles();
const pages = files.filter((name) => name === 'README.md' || (name.startsWith('docs/') && name.endsWith('.md')));

describe('pages', () => {
  it.each(pages)('%s links only to what is there', (page) => {
    const broken = linksOf(read(page)).filter((link) => {
      const [target = '', anchor] = link.split('#');
      const file = target === '' ? page : path.posix.normalize(path.posix.join(path.posix.dirname(page), target));
      if (!existsSync(path.join(repoRoot, file))) return true;
      return anchor !== undefined && file.endsWith('.md') && !anchorsOf(read(file)).has(anchor);
    });
    expect(broken).toEqual([]);
  });
});

describe('the repository', () => {
  /** Put together here, so that this file does not hold them itself. */
  const forbidden = [
    ['registry', 'npmjs', 'org'].join('.'),
    ['registry', 'yarnpkg', 'com'].join('.'),
    ['deb', 'debian', 'org'].join('.'),
    `/${'work'}/`,
    `sub${'agent'}`,
    `TO${'DO'}`,
    `FIX${'ME'}`,
  ];
  const registry = process.env.npm_config_registry;
  if (registry) forbidden.push(new URL(registry).host);

  it('names no registry host, no path of one machine and no unfinished work', () => {
    const found = files
      .filter((name) => !binary.test(name))
      .flatMap((name) => {
        const text = read(name);
        return forbidden.filter((word) => text.includes(word)).map((word) => `${name}: ${word}`);
      });
    expect(found).toEqual([]);
  });

  it('pins every action of its workflows to a commit', () => {
    const workflows = files.filter((name) => name.startsWith('.github/workflows/'));
    const uses = workflows.flatMap((name) => [...read(name).matchAll(/uses: *(\S+)/g)].map((match) => match[1] ?? ''));
    expect(uses.length).toBeGreaterThan(0);
    expect(uses.filter((action) => !/@[0-9a-f]{40}$/.test(action))).toEqual([]);
  });
});
