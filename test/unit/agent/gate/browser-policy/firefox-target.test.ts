import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { HOST, readJson, type StagedDesk, stageDesk, tree } from './staged-desk.ts';

let desk: StagedDesk;
beforeEach(async () => {
  desk = await stageDesk();
  await desk.install('firefox');
});
afterEach(() => desk.remove());

const close = async () => desk.verdict(await desk.hold(true), 'firefox');
const open = async () => desk.verdict(await desk.hold(false), 'firefox');
const etc = () => tree(path.join(desk.root, 'etc'));

it('blocks a Firefox that starts later, and is gone when opened', async () => {
  expect(await close()).toBe('confirmed');
  expect(await readJson(desk.firefoxPath)).toMatchObject({ policies: { WebsiteFilter: { Block: [`*://${HOST}/*`] } } });
  expect(await etc()).toEqual(['firefox', 'firefox/policies', 'firefox/policies/policies.json']);
  expect(await open()).toBe('confirmed');
  expect(await etc()).toEqual([]);
  expect(desk.ledger.entries()).toEqual([]);
});

it('has no hold on a Firefox that runs, until it is started anew', async () => {
  const end = await desk.start('firefox-esr', desk.nowS - 60);
  desk.nowS += 300;
  expect(await close()).toBe('degraded needs-restart');
  await end();
  desk.nowS += 5;
  await desk.start('firefox-esr');
  expect(await close()).toBe('confirmed');
});

it('tells of a Firefox that was started while closed and goes on blocking', async () => {
  await close();
  desk.nowS += 10;
  const end = await desk.start('firefox');
  desk.nowS += 10;
  expect(await open()).toBe('degraded needs-restart');
  expect(await open()).toBe('degraded needs-restart');
  await end();
  expect(await open()).toBe('confirmed');
});

it('does not blame one that was started before it closed', async () => {
  await desk.start('firefox', desk.nowS - 10);
  await close();
  expect(await open()).toBe('confirmed');
});

it('puts back what somebody removed', async () => {
  await close();
  await rm(desk.firefoxPath);
  expect(await close()).toBe('confirmed changed-by-other');
});

const foreign = [
  { policies: { WebsiteFilter: { Block: [`*://${HOST}/*`] } } },
  { policies: {} },
  { deskwarden: 'written by deskwarden', policies: { WebsiteFilter: { Block: [] }, DisableTelemetry: true } },
];
it.each(foreign)('never touches a file that is not wholly ours: %j', async (content) => {
  const text = JSON.stringify(content);
  await mkdir(path.dirname(desk.firefoxPath), { recursive: true });
  await writeFile(desk.firefoxPath, text);
  expect(await close()).toBe('degraded foreign-policy');
  expect(await open()).toBe('confirmed');
  expect(JSON.stringify(await readJson(desk.firefoxPath))).toBe(text);
});

it('leaves a file to who replaced ours, and forgets it', async () => {
  await close();
  await writeFile(desk.firefoxPath, '{"policies":{}}');
  expect(await close()).toBe('degraded foreign-policy');
  await open();
  expect(await readJson(desk.firefoxPath)).toEqual({ policies: {} });
  expect(desk.ledger.entries().filter((entry) => entry.kind === 'file')).toEqual([]);
});

it('knows its file when the ledger is lost', async () => {
  await close();
  await rm(path.join(desk.stateDir, 'ledger.json'));
  await desk.restart();
  expect(await open()).toBe('confirmed');
  expect(await etc()).toEqual(['firefox', 'firefox/policies']);
});

it('blocks nothing without a host', async () => {
  expect(desk.verdict(await desk.hold(true, []), 'firefox')).toBe('degraded no-host');
  expect(await etc()).toEqual([]);
});
