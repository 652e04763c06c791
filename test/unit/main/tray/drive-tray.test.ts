import { expect, it } from 'vitest';
import { textsFor } from '../../../../checks/texts/lookup.ts';
import type { DeskView } from '../../../../contracts/ipc.ts';
import type { Notice } from '../../../../main/tray/choose-notice.ts';
import { driveTray } from '../../../../main/tray/drive-tray.ts';
import type { TrayModel } from '../../../../main/tray/tray-model.ts';
import { fakeTime } from '../fake-after.ts';
import { at, cause, gate, NOW, verdict, view } from '../view.ts';

function driven(first: DeskView) {
  const time = fakeTime();
  const listeners = new Set<(view: DeskView, before: DeskView) => void>();
  const models: TrayModel[] = [];
  const notices: Notice[] = [];
  let current = first;
  const stop = driveTray({
    desk: {
      view: () => current,
      onChange(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    textsOf: textsFor,
    render: (model) => models.push(model),
    notify: (notice) => notices.push(notice),
    after: time.after,
    now: () => new Date(NOW.getTime() + time.nowMs()),
  });
  const change = (next: DeskView) => {
    const before = current;
    current = next;
    for (const listener of listeners) listener(next, before);
  };
  return { time, models, notices, change, stop, listeners };
}

const soon = view({ verdict: verdict('caution', { causes: [cause('tls.a', { blocksAt: at(20) })], blocksAt: at(20) }) });

it('draws at once, and again only what changed', () => {
  const { models, change, time } = driven(view());
  expect(models.map(({ icon }) => icon)).toEqual(['clear']);
  change(view({}, { heardAt: at(1) }));
  time.pass(120_000);
  expect(models.length).toBe(1);
  change(view({ verdict: verdict('blocked'), gate: gate('closed') }));
  expect(models.map(({ icon }) => icon)).toEqual(['clear', 'blocked']);
});

it('goes on with time alone: the minutes that are left, half-time, and a verdict that grows old', () => {
  const { models, notices, change, time } = driven(view());
  change(soon);
  expect(notices.map(({ kind }) => kind)).toEqual(['ahead']);
  time.pass(5 * 60_000);
  expect(JSON.stringify(models.at(-1))).toContain('Calls stop in 15 min');
  time.pass(6 * 60_000);
  expect(notices.map(({ kind }) => kind)).toEqual(['ahead', 'again']);
  change(view({ verdict: verdict('clear', { validUntil: at(12) }) }));
  time.pass(2 * 60_000);
  expect(models.at(-1)?.icon).toBe('undetermined');
});

it('speaks the language that is in use', () => {
  const { models, change } = driven(view());
  change(view({}, { locale: { choice: 'ko', inUse: 'ko' } }));
  expect(models.at(-1)?.tooltip).toContain(textsFor('ko').ui('app.face.clear'));
});

it('stops', () => {
  const { stop, time, listeners } = driven(view());
  stop();
  expect([listeners.size, time.waits()]).toEqual([0, 0]);
});
