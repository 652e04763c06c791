import { loud } from '../loud.ts';
import { record } from '../record.ts';

/** What is asked of the desktop itself: recorded, and answered by `__electronRig.dialogAnswers`. */

const ask =
  <T extends object>(kind: string, cancelled: T) =>
  (...args: unknown[]): Promise<T> => {
    // The first of two is the window that the dialog belongs to.
    record.dialogs.push({ kind, ...(args.at(-1) as object) });
    return Promise.resolve((record.dialogAnswers.shift() as T | undefined) ?? cancelled);
  };

export interface Dialog {
  showMessageBox(options: Electron.MessageBoxOptions): Promise<Electron.MessageBoxReturnValue>;
  showMessageBox(window: object, options: Electron.MessageBoxOptions): Promise<Electron.MessageBoxReturnValue>;
  showOpenDialog(options: Electron.OpenDialogOptions): Promise<Electron.OpenDialogReturnValue>;
  showOpenDialog(window: object, options: Electron.OpenDialogOptions): Promise<Electron.OpenDialogReturnValue>;
  showSaveDialog(options: Electron.SaveDialogOptions): Promise<Electron.SaveDialogReturnValue>;
  showSaveDialog(window: object, options: Electron.SaveDialogOptions): Promise<Electron.SaveDialogReturnValue>;
  showErrorBox(title: string, content: string): void;
}

export const dialog: Dialog = loud('dialog', {
  showMessageBox: ask('message', { response: 0, checkboxChecked: false }),
  showOpenDialog: ask('open', { canceled: true, filePaths: [] as string[] }),
  showSaveDialog: ask('save', { canceled: true, filePath: '' }),
  showErrorBox: (title: string, content: string) => void record.dialogs.push({ kind: 'error', title, content }),
});

export const shell: Pick<Electron.Shell, 'openExternal' | 'openPath' | 'showItemInFolder' | 'beep'> = loud('shell', {
  openExternal: async (url: string) => void record.opened.push(url),
  openPath: async (file: string) => {
    record.opened.push(file);
    return '';
  },
  showItemInFolder: (file: string) => void record.opened.push(file),
  beep: () => {
    record.beeps += 1;
  },
});

let clipboardText = '';

export const clipboard: Pick<Electron.Clipboard, 'readText' | 'writeText' | 'clear'> = loud('clipboard', {
  readText: async () => clipboardText,
  writeText: async (text: string) => {
    clipboardText = text;
  },
  clear: () => {
    clipboardText = '';
  },
});

export type Screen = Pick<Electron.Screen, 'getCursorScreenPoint'> & {
  getPrimaryDisplay(): Display;
  getAllDisplays(): Display[];
  getDisplayMatching(rectangle: Electron.Rectangle): Display;
  getDisplayNearestPoint(point: Electron.Point): Display;
};
type Display = Pick<Electron.Display, 'id' | 'bounds' | 'workArea' | 'workAreaSize' | 'size' | 'scaleFactor'>;

const area = { x: 0, y: 0, width: 1280, height: 1024 };
const size = { width: area.width, height: area.height };
const display: Display = { id: 1, bounds: area, workArea: area, workAreaSize: size, size, scaleFactor: 1 };

/** One screen, as display.ts makes it. */
export const screen: Screen = loud('screen', {
  getPrimaryDisplay: () => display,
  getAllDisplays: () => [display],
  getDisplayMatching: () => display,
  getDisplayNearestPoint: () => display,
  getCursorScreenPoint: () => ({ x: 0, y: 0 }),
});
