import type { Handlers, Result } from '../../contracts/call.ts';
import type { Ipc, LocaleChoice } from '../../contracts/ipc.ts';
import type { ProbeReading } from '../../contracts/local-api.ts';
import type { Desk } from '../desk/desk.ts';

export interface PageActions {
  desk: Pick<Desk, 'view' | 'history' | 'release'>;
  recheck: Desk['recheck'];
  /** False where the gate, or a policy without an instance, keeps it from opening. */
  openCcp(): boolean;
  openPosture(): void;
  saveBundle(): Promise<Result<{ path: string }, 'busy' | 'no-daemon'>>;
  setLocale(choice: LocaleChoice): void;
  devicesChanged(): void;
  probeReady(): void;
  probeDone(task: number, reading: ProbeReading): void;
}

const done = { ok: true as const, value: undefined };

/** What each call of a page does; who may make it was decided before. */
export function pageHandlers(actions: PageActions): Handlers<Ipc> {
  const { desk } = actions;
  return {
    view: async () => ({ ok: true, value: desk.view() }),
    history: () => desk.history(),
    recheck: ({ check }) => actions.recheck(check),
    async openCcp() {
      return actions.openCcp() ? done : { ok: false, error: { code: 'not-allowed', detail: 'it may not open now' } };
    },
    async openPosture() {
      actions.openPosture();
      return done;
    },
    saveBundle: actions.saveBundle,
    async setLocale({ choice }) {
      actions.setLocale(choice);
      return done;
    },
    release: ({ code }) => desk.release(code),
    async devicesChanged() {
      actions.devicesChanged();
      return done;
    },
    async probeReady() {
      actions.probeReady();
      return done;
    },
    async probeDone({ task, reading }) {
      actions.probeDone(task, reading);
      return done;
    },
  };
}
