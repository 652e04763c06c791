import { readFileSync } from 'node:fs';
import { quietly, send } from '../chromium/browser.ts';
import type { Method, Protocol } from '../chromium/cdp.ts';
import { ipcBinding, pageSource, preloadSource, preloadWorldName, sayBinding } from '../page/inject.ts';
import { contentsBySession } from '../registry.ts';
import { fromBrowser } from '../schemes.ts';
import { themeFeatures } from '../theme-features.ts';
import { catchUp } from './catch-up.ts';
import type { RigContents } from './contents.ts';

/** Everything that must hold before the first script of a page, or of a frame in a process of its own, then lets it run. */
export async function enableDomains(contents: RigContents, sessionId: string, kind: 'page' | 'frame'): Promise<void> {
  contentsBySession.set(sessionId, { contents, kind });
  const call = <M extends Method>(method: M, params?: Protocol.CommandParameters[M]) => send(method, params, sessionId);
  const preparations: Promise<unknown>[] = [
    call('Page.enable'),
    call('Page.setLifecycleEventsEnabled', { enabled: true }),
    call('Runtime.enable'),
    call('Network.enable', {}),
    // A page stops where it asks the main process something (questions.ts).
    call('Debugger.enable', {}),
    call('Inspector.enable').catch(() => {}),
    call('Fetch.enable', {
      patterns: [
        { urlPattern: '*', requestStage: 'Request' },
        { urlPattern: 'http*', requestStage: 'Response' },
      ],
    }),
    call('Runtime.addBinding', { name: sayBinding }),
    call('Page.addScriptToEvaluateOnNewDocument', { source: pageSource() }),
    call('Target.setAutoAttach', { autoAttach: true, waitForDebuggerOnStart: true, flatten: true }),
  ];
  if (kind === 'page') {
    const { width, height, preload } = contents.options;
    preparations.push(
      call('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 0, mobile: false }),
      call('Emulation.setEmulatedMedia', { features: themeFeatures() }),
    );
    if (preload !== undefined) {
      const { versions, platform, arch } = process;
      const source = preloadSource({ versions, platform, arch, argv: [], env: {} }, readFileSync(preload, 'utf8'));
      preparations.push(
        call('Runtime.addBinding', { name: ipcBinding, executionContextName: preloadWorldName }),
        call('Page.addScriptToEvaluateOnNewDocument', { worldName: preloadWorldName, source }),
      );
    }
  }
  await Promise.all(preparations);
  for (const context of contents.contexts.values()) {
    if (context.sessionId === sessionId && context.name === '') quietly(catchUp(sessionId, context.id));
  }
  if (kind === 'page') addFrames(contents, (await call('Page.getFrameTree')).frameTree, sessionId);
  await call('Runtime.runIfWaitingForDebugger');
}

function addFrames(contents: RigContents, tree: Protocol.Page.FrameTree, sessionId: string): void {
  const frame = contents.knowFrame(tree.frame.id, tree.frame.parentId ?? null, sessionId);
  frame.url = fromBrowser(tree.frame.url);
  for (const child of tree.childFrames ?? []) addFrames(contents, child, sessionId);
}
