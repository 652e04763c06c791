/** What an operating system would have shown or done. Tests read it as `globalThis.__electronRig`; a real Electron has no such thing. */
export interface RecordedTray {
  image: unknown;
  toolTip: string;
  title: string;
  menu: unknown;
  popUps: number;
  destroyed: boolean;
}

export const record = {
  trays: [] as RecordedTray[],
  notifications: [] as object[],
  opened: [] as string[],
  dialogs: [] as object[],
  /** The next answers of dialogs, first in first out; without one, a dialog is cancelled. */
  dialogAnswers: [] as object[],
  badge: 0,
  protocolClients: [] as string[],
  sandboxEnabled: false,
  userModelId: null as string | null,
  beeps: 0,
  /** What is plugged in. */
  hidDevices: [] as Electron.HIDDevice[],
  /** Where the rig knows that it differs from Electron and the app has touched it. */
};

Reflect.set(globalThis, '__electronRig', record);
