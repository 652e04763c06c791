import { describe, expect, it } from 'vitest';
import { describeMissing, missingTools, neededTools, packagesOf, toolPath } from '../../../build/debian-tools.ts';

describe('the tools that are needed', () => {
  it('are named once and found by absolute paths', () => {
    expect(new Set(neededTools.map(({ tool }) => tool)).size).toBe(neededTools.length);
    for (const { paths } of neededTools) for (const path of paths) expect(path).toMatch(/^\//);
  });

  it('are all missing on an empty machine, by group', () => {
    const missing = missingTools('peers', () => false).map(({ tool }) => tool);
    expect(missing).toEqual(['openssl', 'stund', 'turnutils_stunclient', 'turnutils_uclient', 'dig', 'testssl']);
  });

  it('are not missing where one candidate exists', () => {
    expect(missingTools('lab', (path) => path !== '/usr/sbin/nft' && path.startsWith('/usr/')).map(({ tool }) => tool)).toEqual([]);
    expect(missingTools('lab', (path) => !path.endsWith('/nft')).map(({ tool }) => tool)).toEqual(['nft']);
  });

  it('are described with the command that brings them', () => {
    const missing = neededTools.filter(({ tool }) => tool === 'nft' || tool === 'turnserver');
    expect(packagesOf(missing)).toEqual(['coturn', 'nftables']);
    expect(describeMissing(missing)).toBe(
      [
        "missing: nft (the site's firewall), Debian package nftables",
        'missing: turnserver (TURN servers), Debian package coturn',
        'to install: apt-get install --no-install-recommends coturn nftables',
      ].join('\n'),
    );
  });

  it('must be in the list to be used', () => {
    expect(() => toolPath('iptables')).toThrow('knows no tool "iptables": add it to neededTools');
  });
});
