import './zod-settings.ts';

import { catalog } from '../checks/catalog.ts';
import type { Platform } from '../checks/host.ts';
import { connect } from './ipc.ts';
import { runTask } from './session-host/run-task.ts';
import { sessionHost } from './session-host/session-host.ts';

/** The page is made by the app for one look and closed after it, so it keeps nothing. */
const api = connect(window.deskwarden);
const page = {
  // Both are missing where a page is not secure, or a policy takes them away.
  media: navigator.mediaDevices as MediaDevices | undefined,
  Connection: window.RTCPeerConnection as typeof RTCPeerConnection | undefined,
  platform: platformOf(navigator.userAgent),
};

api.on('probe', async (task) => {
  const reading = await runTask(task, catalog, sessionHost(page, task.turn, 'endpoint'));
  await api.probeDone({ task: task.task, reading });
});
void api.probeReady();

function platformOf(userAgent: string): Platform {
  if (userAgent.includes('Windows')) return 'win32';
  return userAgent.includes('Mac OS X') ? 'darwin' : 'linux';
}
