import { LoudEmitter, loud } from '../loud.ts';
import { record } from '../record.ts';

export type Notification = Pick<Electron.Notification, 'show' | 'close' | 'title' | 'body' | 'silent'> &
  Pick<Electron.Notification, 'on' | 'once' | 'off' | 'removeListener' | 'removeAllListeners'>;

/** Shown means recorded; a test clicks it by `emit('click')` on what was recorded. */
class RigNotification extends LoudEmitter {
  readonly options: Electron.NotificationConstructorOptions;
  shown = false;

  constructor(options: Electron.NotificationConstructorOptions = {}) {
    super('Notification', ['show', 'close'], ['click', 'action', 'reply', 'failed']);
    this.options = options;
  }

  static isSupported(): boolean {
    return true;
  }

  get title(): string {
    return this.options.title ?? '';
  }

  get body(): string {
    return this.options.body ?? '';
  }

  get silent(): boolean {
    return this.options.silent ?? false;
  }

  show(): void {
    this.shown = true;
    record.notifications.push(this);
    this.emit('show', {});
  }

  close(): void {
    if (!this.shown) return;
    this.shown = false;
    this.emit('close', {});
  }
}

export const Notification = new Proxy(RigNotification, {
  construct: (target, [options]: [Electron.NotificationConstructorOptions | undefined]) => loud('Notification', new target(options)),
}) as unknown as { new (options?: Electron.NotificationConstructorOptions): Notification; isSupported(): boolean };
