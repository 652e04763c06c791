// Writes Electron's own declarations under other module names, so that `electron` can mean the rig in test/electron-rig/tsconfig.json:
// a declared module wins over `paths`. The global namespace `Electron` stays, and the rig is typed against it.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const modules = fileURLToPath(new URL('../../node_modules/', import.meta.url));
const target = path.join(modules, '.cache', 'electron-rig', 'real-electron.d.ts');
const text = readFileSync(path.join(modules, 'electron', 'electron.d.ts'), 'utf8');
mkdirSync(path.dirname(target), { recursive: true });
writeFileSync(target, text.replaceAll("declare module 'electron", "declare module 'real-electron"));
