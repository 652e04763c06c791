import { loud } from '../loud.ts';

export type MenuItem = Pick<Electron.MenuItem, 'id' | 'label' | 'enabled' | 'visible' | 'checked' | 'type'> & {
  click(...args: unknown[]): void;
  readonly submenu?: Menu | undefined;
};
export interface Menu {
  readonly items: MenuItem[];
  getMenuItemById(id: string): MenuItem | null;
  popup(options?: unknown): void;
  closePopup(): void;
}

class RigMenu implements Menu {
  static applicationMenu: Menu | null = null;
  readonly items: MenuItem[];
  popUps = 0;

  constructor(items: MenuItem[] = []) {
    this.items = items;
  }

  static buildFromTemplate(template: Electron.MenuItemConstructorOptions[]): Menu {
    return loud('Menu', new RigMenu(template.map(itemOf)));
  }

  static setApplicationMenu(menu: Menu | null): void {
    RigMenu.applicationMenu = menu;
  }

  static getApplicationMenu(): Menu | null {
    return RigMenu.applicationMenu;
  }

  getMenuItemById(id: string): MenuItem | null {
    for (const item of this.items) {
      const found = item.id === id ? item : (item.submenu?.getMenuItemById(id) ?? null);
      if (found) return found;
    }
    return null;
  }

  popup(): void {
    this.popUps += 1;
  }

  closePopup(): void {}
}

function itemOf(options: Electron.MenuItemConstructorOptions): MenuItem {
  const { submenu, click } = options;
  const item: MenuItem = {
    ...options,
    id: options.id ?? '',
    label: options.label ?? options.role ?? '',
    enabled: options.enabled ?? true,
    visible: options.visible ?? true,
    checked: options.checked ?? false,
    type: options.type ?? (submenu ? 'submenu' : 'normal'),
    submenu: Array.isArray(submenu) ? RigMenu.buildFromTemplate(submenu) : (submenu as Menu | undefined),
    click: () => {
      if (!item.enabled) return;
      if (item.type === 'checkbox') item.checked = !item.checked;
      if (item.type === 'radio') item.checked = true;
      click?.(item as unknown as Electron.MenuItem, undefined, {} as Electron.KeyboardEvent);
    },
  };
  return item;
}

export const Menu = RigMenu as unknown as {
  new (): Menu;
  buildFromTemplate(template: Electron.MenuItemConstructorOptions[]): Menu;
  setApplicationMenu(menu: Menu | null): void;
  getApplicationMenu(): Menu | null;
};
