import Module from 'node:module';
import * as api from './electron.ts';

/** The module that `require('electron')` and `import … from 'electron'` give; a name that is not in it throws. */
const electron: object = new Proxy(api, {
  get(target, key) {
    if (key === 'default') return electron;
    if (key in target || typeof key === 'symbol' || ['then', '__esModule', 'toJSON'].includes(key)) return Reflect.get(target, key);
    throw new Error(`electron rig: '${key}' is not covered by the rig`);
  },
});
const ids: readonly string[] = ['electron', 'electron/main', 'electron/common'];
const GLOBAL_NAME = '__electronRigModule';

export function provideElectron(): void {
  const load: (id: string, ...more: unknown[]) => unknown = Reflect.get(Module, '_load');
  Reflect.set(Module, '_load', function (this: unknown, id: string, ...more: unknown[]) {
    return ids.includes(id) ? electron : load.call(this, id, ...more);
  });
  Reflect.set(globalThis, GLOBAL_NAME, electron);
  const names = Object.keys(api).map((name) => `export const ${name} = electron.${name};`);
  const source = `const electron = globalThis.${GLOBAL_NAME}; export default electron; ${names.join(' ')}`;
  // Runs in a thread of its own: it can carry nothing but text.
  const hooks = `const ids = ${JSON.stringify(ids)};
    export const resolve = async (id, context, next) =>
      ids.includes(id) ? { url: 'rig:electron', format: 'module', shortCircuit: true } : next(id, context);
    export const load = async (url, context, next) =>
      url === 'rig:electron' ? { format: 'module', shortCircuit: true, source: ${JSON.stringify(source)} } : next(url, context);`;
  Module.register(`data:text/javascript,${encodeURIComponent(hooks)}`);
}
