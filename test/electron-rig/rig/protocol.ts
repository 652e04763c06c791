import { addScheme } from './schemes.ts';

type Handler = Parameters<Electron.Protocol['handle']>[1];

export type Protocol = Pick<Electron.Protocol, 'registerSchemesAsPrivileged' | 'handle' | 'unhandle' | 'isProtocolHandled'>;

export class RigProtocol implements Protocol {
  /** Per session, as in Electron. */
  readonly handlers = new Map<string, Handler>();

  registerSchemesAsPrivileged(schemes: Electron.CustomScheme[]): void {
    for (const { scheme, privileges } of schemes) {
      // What stands for the scheme in the browser is https: standard and secure, whatever the app asked for.
      if (!privileges?.standard || !privileges.secure) throw new Error(`electron rig: scheme ${scheme} must be standard and secure`);
    }
  }

  handle(scheme: string, handler: Handler): void {
    if (this.handlers.has(scheme)) throw new Error('Failed to register protocol handler');
    this.handlers.set(scheme, handler);
    addScheme(scheme);
  }

  unhandle(scheme: string): void {
    this.handlers.delete(scheme);
  }

  isProtocolHandled(scheme: string): boolean {
    return this.handlers.has(scheme);
  }
}
