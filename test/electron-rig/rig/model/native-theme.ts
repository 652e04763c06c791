import { quietly, send } from '../chromium/browser.ts';
import { LoudEmitter, loud } from '../loud.ts';
import { contentsById } from '../registry.ts';
import { setThemeSource, themeFeatures, themeSource } from '../theme-features.ts';

export type NativeTheme = Pick<
  Electron.NativeTheme,
  | 'themeSource'
  | 'shouldUseDarkColors'
  | 'shouldUseHighContrastColors'
  | 'shouldUseInvertedColorScheme'
  | 'shouldUseDarkColorsForSystemIntegratedUI'
  | 'on'
  | 'once'
  | 'off'
  | 'removeListener'
  | 'removeAllListeners'
>;

class RigTheme extends LoudEmitter {
  readonly shouldUseHighContrastColors = false;
  readonly shouldUseInvertedColorScheme = false;

  constructor() {
    super('nativeTheme', ['updated']);
  }

  get themeSource(): 'system' | 'light' | 'dark' {
    return themeSource();
  }

  set themeSource(source) {
    setThemeSource(source);
    for (const contents of contentsById.values()) {
      quietly(contents.ready.then(() => send('Emulation.setEmulatedMedia', { features: themeFeatures() }, contents.sessionId)));
    }
    this.emit('updated');
  }

  /** Of the panel that the tray is in: the themeSource does not change it, and nobody knows it here. */
  readonly shouldUseDarkColorsForSystemIntegratedUI = false;

  get shouldUseDarkColors(): boolean {
    return themeSource() === 'dark';
  }
}

export const nativeTheme = loud('nativeTheme', new RigTheme()) as unknown as NativeTheme;
