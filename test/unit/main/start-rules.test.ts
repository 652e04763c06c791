import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { repoRoot } from '../../../build/repo.ts';
import { APP_ID, type StartFacts, startRules } from '../../../main/start-rules.ts';

const facts: StartFacts = { platform: 'win32', isPackaged: true, startsAtLogin: false, argv: [], wasOpenedAtLogin: false };

it('Windows knows the app by the name that its installer gives the shortcut', async () => {
  expect(startRules(facts).userModelId).toBe(APP_ID);
  for (const platform of ['darwin', 'linux'] as const) expect(startRules({ ...facts, platform }).userModelId).toBeNull();
  expect(await readFile(path.join(repoRoot, 'electron-builder.yml'), 'utf8')).toMatch(
    new RegExp(`^appId: ${APP_ID.replaceAll('.', '\\.')}$`, 'm'),
  );
});
