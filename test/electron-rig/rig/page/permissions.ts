/** What the page asks for goes to the app's handlers first; Chromium then enforces their answer. */
export function permissionsInPage(askApp: (question: object) => Promise<unknown>): void {
  const ask = async (permission: string, mediaTypes?: string[]) => (await askApp({ kind: 'permission', permission, mediaTypes })) === true;

  const devices = globalThis.MediaDevices?.prototype;
  if (devices) {
    const { getUserMedia } = devices;
    devices.getUserMedia = async function (this: MediaDevices, constraints) {
      await ask('media', [...(constraints?.audio ? ['audio'] : []), ...(constraints?.video ? ['video'] : [])]);
      return getUserMedia.call(this, constraints);
    };
    // As in an Electron whose session has no handler for it.
    devices.getDisplayMedia = () => Promise.reject(new DOMException('Not supported', 'NotSupportedError'));
  }
  if (globalThis.Notification) {
    const request = Notification.requestPermission.bind(Notification);
    Notification.requestPermission = async () => {
      await ask('notifications');
      return request();
    };
  }
  const geolocation = globalThis.Geolocation?.prototype;
  if (geolocation) {
    const { getCurrentPosition } = geolocation;
    geolocation.getCurrentPosition = function (this: Geolocation, ...args) {
      void ask('geolocation').then(() => getCurrentPosition.apply(this, args));
    };
  }
  const clipboard = globalThis.Clipboard?.prototype;
  if (clipboard) {
    const { readText } = clipboard;
    clipboard.readText = async function (this: Clipboard) {
      if (!(await ask('clipboard-read'))) throw new DOMException('Read permission denied.', 'NotAllowedError');
      return readText.call(this);
    };
  }
}
