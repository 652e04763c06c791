import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { repoRoot } from '../../build/repo.ts';

/** Each of these names may be used in the files named and nowhere else in the tray app: docs/security.md says why. */
const onlyIn: Readonly<Record<string, readonly string[]>> = {
  BrowserWindow: ['main/electron/windows.ts'],
  fromPartition: ['main/electron/sessions.ts'],
  defaultSession: ['main/main.ts'],
  ipcMain: ['main/electron/ipc.ts'],
  contextBridge: ['main/preload.ts'],
  ipcRenderer: ['main/preload.ts'],
  openExternal: ['main/electron/contents.ts'],
  execFile: ['main/desk/save-bundle.ts'],
  process: ['main/main.ts'],
  ...Object.fromEntries(
    ['sandbox', 'contextIsolation', 'nodeIntegration', 'webviewTag', 'webSecurity', 'devTools'].map((name) => [
      name,
      ['main/windows/window-spec.ts'],
    ]),
  ),
};

/** Never used at all: each of them would undo a row of the table of settings. */
const never = [
  'WebContentsView',
  'BrowserView',
  'loadFile',
  'executeJavaScript',
  'openDevTools',
  'setCertificateVerifyProc',
  'appendSwitch',
  'execSync',
  'spawn',
  'spawnSync',
  'fork',
  'eval',
  'dangerouslySetInnerHTML',
  'innerHTML',
  'desktopCapturer',
];

interface Use {
  file: string;
  name: string;
  line: number;
}

async function usesIn(room: string): Promise<Use[]> {
  const entries = await readdir(path.join(repoRoot, room), { recursive: true });
  const files = entries.filter((name) => /\.tsx?$/.test(name) && !name.endsWith('.d.ts') && name !== 'vite.config.ts');
  const found = await Promise.all(
    files.map(async (name) => {
      const file = `${room}/${name.replaceAll('\\', '/')}`;
      return identifiersOf(file, await readFile(path.join(repoRoot, file), 'utf8'));
    }),
  );
  return found.flat();
}

/** Every identifier but those of types, which are gone in the bundle. */
function identifiersOf(file: string, text: string): Use[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const uses: Use[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isTypeNode(node) || ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) return;
    if (ts.isImportDeclaration(node) && node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword) return;
    if (ts.isImportSpecifier(node) && node.isTypeOnly) return;
    if (ts.isIdentifier(node))
      uses.push({ file, name: node.text, line: source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1 });
    ts.forEachChild(node, visit);
  };
  visit(source);
  return uses;
}

describe('the source of the tray app', async () => {
  const uses = [...(await usesIn('main')), ...(await usesIn('renderer'))];
  const said = ({ file, line }: Use) => `${file}:${line}`;

  it.each(Object.entries(onlyIn))('%s is used in %s alone', (name, files) => {
    const own = uses.filter((use) => use.name === name);
    expect(own.filter(({ file }) => !files.includes(file)).map(said)).toEqual([]);
    expect(own.length, 'nothing uses it: take it off the list').toBeGreaterThan(0);
  });

  it.each(never)('%s is never used', (name) => {
    expect(uses.filter((use) => use.name === name).map(said)).toEqual([]);
  });

  it('sees what it looks for', () => {
    const text = "import { fork } from 'node:child_process';\nfork('x');\ntype A = Fork;";
    expect(identifiersOf('main/x.ts', text).map(({ name, line }) => `${name} ${line}`)).toEqual(['fork 1', 'fork 2']);
  });
});

describe('the released bundles', async () => {
  const dir = path.join(repoRoot, 'dist', 'app');
  const bundles = await Promise.all(['main.cjs', 'preload.cjs'].map((name) => readFile(path.join(dir, name), 'utf8')));

  it.each(['DESKWARDEN_', '__E2E__', 'remote-debugging', 'openDevTools', 'ELECTRON_RUN_AS_NODE', 'ignore-certificate-errors', 'file://'])(
    'do not say %s',
    (words) => {
      expect(bundles.map((text) => text.includes(words))).toEqual([false, false]);
    },
  );

  it('the preload reaches nothing but Electron', () => {
    const [, preload = ''] = bundles;
    expect([...preload.matchAll(/require\("([^"]+)"\)/g)].map(([, name]) => name)).toEqual(['electron']);
  });
});
