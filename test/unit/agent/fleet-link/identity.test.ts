import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { enrol } from '../../../../agent/fleet-link/enrol.ts';
import { hasFleet, openIdentity } from '../../../../agent/fleet-link/identity.ts';
import { readMachineImage } from '../../../../agent/fleet-link/machine-image.ts';
import type { SetAside } from '../../../../agent/store/state-file.ts';
import { enrolledOf, IMAGE, type Stage, stage } from './staged-link.ts';

let staged: Stage;
beforeAll(async () => {
  staged = await stage();
});
afterAll(() => staged.close());

const OTHER_IMAGE = 'b'.repeat(64);

describe('an identity on a disk that was cloned', () => {
  it('is removed from the clone, which enrols for itself', async () => {
    const stateDir = await staged.newDir();
    const { enrolled } = await staged.enrolled(stateDir);
    const foreign: (string | null)[] = [];
    const clone = await openIdentity({
      stateDir,
      image: OTHER_IMAGE,
      goldenImage: true,
      onForeignImage: (device) => foreign.push(device),
    });
    expect(await clone.read()).toMatchObject({ enrolled: null, pending: null });
    expect(foreign).toEqual([enrolled.device]);
    // The key of the desk that the image was made of is on no clone.
    expect((await readdir(stateDir)).filter((name) => name.startsWith('identity'))).toEqual([]);
    const own = enrolledOf(await enrol(staged.enrolSettings(clone, { ticket: staged.fleet.makeTicket() })));
    expect([own.device === enrolled.device, own.key === enrolled.key]).toEqual([false, false]);
    expect((await clone.read()).image).toBe(OTHER_IMAGE);
    const restarted = await openIdentity({ stateDir, image: OTHER_IMAGE, goldenImage: true });
    expect((await restarted.read()).enrolled).toEqual(own);
  });

  it.each([
    ['where the image is the same', IMAGE, true],
    ['where the image cannot be told', null, true],
    ['where nothing says that the disk is cloned', OTHER_IMAGE, false],
  ])('is kept %s', async (_name, image, goldenImage) => {
    const stateDir = await staged.newDir();
    const { enrolled } = await staged.enrolled(stateDir);
    const again = await openIdentity({ stateDir, image, goldenImage });
    expect((await again.read()).enrolled).toEqual(enrolled);
  });
});

it('that is damaged is set aside and told, and the desk has none', async () => {
  const stateDir = await staged.newDir();
  const { enrolled } = await staged.enrolled(stateDir);
  const file = path.join(stateDir, 'identity.json');
  await writeFile(file, (await readFile(file, 'utf8')).replace(enrolled.device, 'somebody'));
  const reports: SetAside[] = [];
  const identity = await openIdentity({ stateDir, image: IMAGE, goldenImage: false, onSetAside: (report) => reports.push(report) });
  expect((await identity.read()).enrolled).toBeNull();
  expect(reports).toMatchObject([{ reason: 'wrong-shape', movedTo: `${file}.corrupt-1` }]);
  // A report may be logged, and the file holds a private key.
  expect(JSON.stringify(reports)).not.toMatch(/PRIVATE KEY/);
});

it('takes up what another process has written in between', async () => {
  const stateDir = await staged.newDir();
  const { identity, enrolled } = await staged.enrolled(stateDir);
  const before = await identity.stamp();
  const other = await staged.openIdentity(stateDir);
  await other.update((held) => ({ ...held, revokedAt: '2026-01-01T00:00:00Z' }));
  expect(await identity.stamp()).not.toBe(before);
  await identity.update((held) => ({ ...held, attempt: null }));
  expect(await other.read()).toMatchObject({ enrolled, revokedAt: '2026-01-01T00:00:00Z' });
  expect(await readdir(stateDir)).toEqual(['identity.json']);
});

describe('the fingerprint of an installation', () => {
  const fingerprint = async (text: string) => {
    const file = path.join(await staged.newDir(), 'machine-id');
    await writeFile(file, text);
    return readMachineImage(file);
  };

  it('is another for each machine-id, and does not tell it', async () => {
    const id = '0123456789abcdef0123456789abcdef';
    const first = await fingerprint(`${id}\n`);
    expect(first).toMatch(/^[0-9a-f]{64}$/);
    expect(first).not.toContain(id);
    expect(await fingerprint(id)).toBe(first);
    expect(await fingerprint('f'.repeat(32))).not.toBe(first);
  });

  it.each(['', 'uninitialized\n', 'not an id'])('of %j is unknown', async (text) => {
    expect(await fingerprint(text)).toBeNull();
  });

  it('is unknown where there is no machine-id', async () => {
    expect(await readMachineImage('/nonexistent/machine-id')).toBeNull();
  });
});

describe('a desk has a fleet', () => {
  it('once it is enrolled, and also when its identity is damaged or was set aside; nothing is moved by asking', async () => {
    const stateDir = await staged.newDir();
    expect(await hasFleet(path.join(stateDir, 'missing'))).toBe(false);
    expect(await hasFleet(stateDir)).toBe(false);
    await staged.enrolled(stateDir);
    expect(await hasFleet(stateDir)).toBe(true);
    const file = path.join(stateDir, 'identity.json');
    await writeFile(file, '{"schema":1,');
    expect(await hasFleet(stateDir)).toBe(true);
    expect(await readFile(file, 'utf8')).toBe('{"schema":1,');
    const onSetAside = () => {};
    await (await openIdentity({ stateDir, image: IMAGE, goldenImage: false, onSetAside })).read();
    expect(await hasFleet(stateDir)).toBe(true);
  });
});
