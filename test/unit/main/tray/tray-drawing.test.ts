import { expect, it } from 'vitest';
import { isDarkTray, menuTemplate, trayTitle } from '../../../../main/tray/tray-drawing.ts';
import type { TrayAction } from '../../../../main/tray/tray-model.ts';

it('on Windows goes by the bar, elsewhere by the windows', () => {
  const theme = { shouldUseDarkColors: false, shouldUseDarkColorsForSystemIntegratedUI: true };
  expect((['win32', 'darwin', 'linux'] as const).map((platform) => isDarkTray(platform, theme))).toEqual([true, false, false]);
});

it('shows a number only where there is one', () => {
  expect([0, 3].map(trayTitle)).toEqual(['', '3']);
});

it('makes of the model what Electron takes: a line that only says something does nothing', () => {
  const done: TrayAction[] = [];
  const template = menuTemplate(
    [
      { id: null, label: 'Wi-Fi & cable', enabled: false },
      'separator',
      {
        id: null,
        label: 'Language',
        enabled: true,
        submenu: [{ id: 'locale-ko', label: '한국어', enabled: true, checked: true }],
      },
    ],
    (action) => done.push(action),
  );
  expect(template).toEqual([
    { label: 'Wi-Fi && cable', enabled: false },
    { type: 'separator' },
    {
      label: 'Language',
      enabled: true,
      submenu: [{ id: 'locale-ko', click: expect.any(Function), label: '한국어', enabled: true, type: 'radio', checked: true }],
    },
  ]);
  template[2]?.submenu?.[0]?.click?.();
  expect(done).toEqual(['locale-ko']);
});
