/** Devices that a test has plugged in (`__electronRig.hidDevices`), given as the app decides. They can be seen, and not opened. */
export function hidInPage(askApp: (question: object) => Promise<unknown>): void {
  const HID: unknown = Reflect.get(globalThis, 'HID');
  if (typeof HID !== 'function') return;
  const give = (name: string, value: unknown) => Object.defineProperty(HID.prototype, name, { value, writable: true, configurable: true });
  give('requestDevice', async (options: { filters?: unknown } = {}) => {
    if (!navigator.userActivation.isActive) {
      throw new DOMException('Must be handling a user gesture to show a permission request.', 'SecurityError');
    }
    return askApp({ kind: 'hid', filters: options.filters ?? [] });
  });
  give('getDevices', () => askApp({ kind: 'hid' }));
}
