import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { protocol } from 'electron';
import { pageFile, pageHeaders } from '../windows/page-files.ts';

/** Before the app is ready. */
export function registerAppScheme(): void {
  protocol.registerSchemesAsPrivileged([{ scheme: 'app', privileges: { standard: true, secure: true, supportFetchAPI: true } }]);
}

/** For the default session alone: the CCP's knows no such scheme. */
export function serveAppPages(uiDir: string): void {
  protocol.handle('app', async ({ url, method }) => {
    const found = method === 'GET' ? pageFile(url) : null;
    const body = found && (await readFile(path.join(uiDir, ...found.parts)).catch(() => null));
    if (!found || !body) return new Response(null, { status: 404, headers: pageHeaders });
    return new Response(new Uint8Array(body), { headers: { ...pageHeaders, 'content-type': found.type } });
  });
}
