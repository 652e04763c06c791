import { LoudEmitter, loud } from '../loud.ts';
import { type RecordedTray, record } from '../record.ts';
import type { Menu } from './menu.ts';
import type { NativeImage } from './native-image.ts';

type Methods = Pick<Electron.Tray, 'setToolTip' | 'setTitle' | 'destroy' | 'isDestroyed' | 'getBounds' | 'setIgnoreDoubleClickEvents'>;
export type Tray = Methods &
  Pick<Electron.Tray, 'on' | 'once' | 'off' | 'removeListener' | 'removeAllListeners'> & {
    setImage(image: NativeImage | string): void;
    setContextMenu(menu: Menu | null): void;
    popUpContextMenu(menu?: Menu): void;
  };

class RigTray extends LoudEmitter implements Methods {
  readonly #recorded: RecordedTray;

  constructor(image: NativeImage | string) {
    super('Tray', [], ['click', 'double-click', 'right-click', 'middle-click', 'balloon-click', 'balloon-show', 'balloon-closed']);
    this.#recorded = { image, toolTip: '', title: '', menu: null, popUps: 0, destroyed: false };
    record.trays.push(this.#recorded);
    // A test clicks through the record.
    Object.defineProperty(this.#recorded, 'emit', { value: this.emit.bind(this) });
  }

  setImage(image: NativeImage | string): void {
    this.#recorded.image = image;
  }

  setToolTip(text: string): void {
    this.#recorded.toolTip = text;
  }

  setTitle(title: string): void {
    this.#recorded.title = title;
  }

  setContextMenu(menu: Menu | null): void {
    this.#recorded.menu = menu;
  }

  popUpContextMenu(menu?: Menu): void {
    if (menu) this.#recorded.menu = menu;
    this.#recorded.popUps += 1;
  }

  setIgnoreDoubleClickEvents(_ignore: boolean): void {}

  getBounds(): Electron.Rectangle {
    return { x: 0, y: 0, width: 24, height: 24 };
  }

  destroy(): void {
    this.#recorded.destroyed = true;
  }

  isDestroyed(): boolean {
    return this.#recorded.destroyed;
  }
}

export const Tray = new Proxy(RigTray, {
  construct: (target, [image]: [NativeImage | string]) => loud('Tray', new target(image)),
}) as unknown as { new (image: NativeImage | string): Tray };
