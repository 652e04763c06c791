import type { MenuItem, TrayAction } from './tray-model.ts';

/** Of Electron's `nativeTheme`. */
export interface Theme {
  shouldUseDarkColors: boolean;
  shouldUseDarkColorsForSystemIntegratedUI: boolean;
}

/** The bar of Windows has a theme of its own. */
export function isDarkTray(platform: 'win32' | 'darwin' | 'linux', theme: Theme): boolean {
  return platform === 'win32' ? theme.shouldUseDarkColorsForSystemIntegratedUI : theme.shouldUseDarkColors;
}

/** Beside the icon, in the menu bar of macOS alone; elsewhere the tooltip has the number. */
export function trayTitle(badge: number): string {
  return badge === 0 ? '' : String(badge);
}

/** One line of a menu, as Electron takes it. */
export interface TemplateItem {
  id?: string;
  type?: 'separator' | 'radio';
  label?: string;
  enabled?: boolean;
  checked?: boolean;
  submenu?: TemplateItem[];
  click?: () => void;
}

export function menuTemplate(menu: readonly (MenuItem | 'separator')[], onAction: (action: TrayAction) => void): TemplateItem[] {
  return menu.map((item) => {
    if (item === 'separator') return { type: 'separator' };
    const { id, label, enabled, checked, submenu } = item;
    return {
      ...(id !== null && { id, click: () => onAction(id) }),
      // A lone ampersand would be taken for the mark of a key.
      label: label.replaceAll('&', '&&'),
      enabled,
      ...(checked !== undefined && { type: 'radio', checked }),
      ...(submenu && { submenu: menuTemplate(submenu, onAction) }),
    };
  });
}
