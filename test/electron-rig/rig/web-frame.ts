import { originOf } from './schemes.ts';

export type WebFrameMain = Pick<
  Electron.WebFrameMain,
  'url' | 'origin' | 'frameToken' | 'routingId' | 'processId' | 'detached' | 'name'
> & { readonly parent: WebFrameMain | null; readonly top: WebFrameMain | null };

export interface RigFrame extends WebFrameMain {
  readonly id: string;
  url: string;
  name: string;
  detached: boolean;
  /** DevTools session of the process that the frame is in; it changes with a cross-site navigation. */
  sessionId: string;
}

export function rigFrame(id: string, parentId: string | null, sessionId: string, frameOf: (id: string) => RigFrame | null): RigFrame {
  return {
    id,
    sessionId,
    url: '',
    name: '',
    detached: false,
    frameToken: id,
    routingId: 1,
    processId: 1,
    get origin() {
      return originOf(this.url);
    },
    get parent() {
      return parentId === null ? null : frameOf(parentId);
    },
    get top() {
      return this.parent?.top ?? this;
    },
  };
}
