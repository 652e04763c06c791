import path from 'node:path';
import { Menu, nativeImage, nativeTheme, Tray } from 'electron';
import { iconFiles } from '../icons/index.gen.ts';
import { isDarkTray, menuTemplate, trayTitle } from '../tray/tray-drawing.ts';
import { type IconName, iconParts } from '../tray/tray-icon.ts';
import type { TrayAction, TrayModel } from '../tray/tray-model.ts';

type Platform = 'win32' | 'darwin' | 'linux';

export interface TrayHandle {
  render(model: TrayModel): void;
  destroy(): void;
}

export function createTray(platform: Platform, onAction: (action: TrayAction) => void): TrayHandle {
  let icon: IconName = 'undetermined';
  const image = () => trayImage(icon, platform);
  const tray = new Tray(image());
  const redraw = () => tray.setImage(image());
  nativeTheme.on('updated', redraw);
  // Where a click shows no menu by itself, it opens what the menu begins with.
  tray.on('click', () => onAction('open-posture'));
  return {
    render(model) {
      icon = model.icon;
      redraw();
      tray.setToolTip(model.tooltip);
      tray.setTitle(trayTitle(model.badge));
      tray.setContextMenu(Menu.buildFromTemplate(menuTemplate(model.menu, onAction)));
    },
    destroy() {
      nativeTheme.off('updated', redraw);
      tray.destroy();
    },
  };
}

function trayImage(icon: IconName, platform: Platform) {
  const [first, ...more] = iconParts(icon, platform, isDarkTray(platform, nativeTheme)).map(({ name, scaleFactor }) => ({
    scaleFactor,
    image: nativeImage.createFromPath(path.join(__dirname, iconFiles[name] ?? name)),
  }));
  const whole = first?.image ?? nativeImage.createEmpty();
  for (const { scaleFactor, image } of more) whole.addRepresentation({ scaleFactor, buffer: image.toPNG() });
  whole.setTemplateImage(platform === 'darwin');
  return whole;
}
