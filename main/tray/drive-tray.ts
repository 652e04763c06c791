import type { Texts } from '../../checks/texts/lookup.ts';
import type { DeskView } from '../../contracts/ipc.ts';
import type { After } from '../../contracts/local-link/link.ts';
import type { Desk } from '../desk/desk.ts';
import { chooseNotice, type Notice, nothingTold } from './choose-notice.ts';
import { type TrayModel, trayModel } from './tray-model.ts';

/** Time to block is told by the minute; a notice at half-time comes this much late at most. */
const TICK_MS = 15_000;

export interface TrayPorts {
  desk: Pick<Desk, 'view' | 'onChange'>;
  textsOf(locale: DeskView['locale']['inUse']): Texts;
  render(model: TrayModel): void;
  notify(notice: Notice): void;
  after: After;
  now(): Date;
}

/** Draws the tray when something of it changed: on Linux a menu that is set anew closes under the user's hand. */
export function driveTray({ desk, textsOf, render, notify, after, now }: TrayPorts): () => void {
  let drawn = '';
  let told = nothingTold;
  let stopTimer = () => {};

  const look = () => {
    const view = desk.view();
    const texts = textsOf(view.locale.inUse);
    const model = trayModel(view, texts, now());
    const next = JSON.stringify(model);
    if (next !== drawn) {
      drawn = next;
      render(model);
    }
    const chosen = chooseNotice(view, told, texts, now());
    told = chosen.told;
    if (chosen.notice) notify(chosen.notice);
  };
  const tick = () => {
    look();
    stopTimer = after(TICK_MS, tick);
  };

  const off = desk.onChange(look);
  tick();
  return () => {
    off();
    stopTimer();
  };
}
