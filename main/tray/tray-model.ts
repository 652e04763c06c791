import { type AnswerKind, type DeskAnswer, deskAnswer, isAhead, tellsOfDesk } from '../../checks/texts/desk-answer.ts';
import type { Texts } from '../../checks/texts/lookup.ts';
import { type DeskView, LocaleChoice } from '../../contracts/ipc.ts';
import type { Snapshot } from '../../contracts/local-api.ts';
import { clockWords, leftWords } from './times.ts';
import type { IconName } from './tray-icon.ts';

export type TrayAction = 'recheck' | 'open-posture' | 'open-ccp' | 'save-bundle' | 'about' | 'quit' | `locale-${LocaleChoice}`;

export interface MenuItem {
  /** Lines that only say something have none. */
  id: TrayAction | null;
  label: string;
  enabled: boolean;
  /** Only of what can be chosen among others. */
  checked?: boolean;
  submenu?: MenuItem[];
}

export interface TrayModel {
  icon: IconName;
  /** How many things keep this desk from calls; 0 for none. */
  badge: number;
  tooltip: string;
  menu: (MenuItem | 'separator')[];
}

const icons: Readonly<Record<AnswerKind, IconName>> = {
  connecting: 'undetermined',
  'no-daemon': 'no-daemon',
  'not-the-daemon': 'not-the-daemon',
  revoked: 'undetermined',
  'not-enrolled': 'undetermined',
  pending: 'undetermined',
  'first-look': 'undetermined',
  released: 'caution',
  clear: 'clear',
  caution: 'caution',
  'not-shown': 'caution',
  countdown: 'caution',
  undetermined: 'undetermined',
  'undetermined-closed': 'blocked',
  // The call goes on, and so does the window.
  draining: 'caution',
  blocked: 'blocked',
  'drain-expired': 'blocked',
  // Nothing is closed: a stop sign would be a lie.
  'would-block': 'caution',
};

/** Each language by its own name: who cannot read the menu must still find his own. */
const ownNames: Readonly<Record<Exclude<LocaleChoice, 'auto'>, string>> = {
  en: 'English',
  'zh-TW': '繁體中文',
  'zh-CN': '简体中文',
  ko: '한국어',
};

export function trayModel(view: DeskView, texts: Texts, now: Date): TrayModel {
  const state = deskAnswer(view, now);
  const badge = badgeOf(state.kind, view.snapshot);
  const headline = texts.ui(`app.face.${state.kind}`, state.at === null ? {} : { at: clockWords(state.at, now, texts.locale) });
  const isConnected = view.link === 'connected';
  const isLooking = view.looking.length > 0;
  const item = (id: TrayAction, label: string, enabled = true): MenuItem => ({ id, label, enabled });
  const said = (label: string): MenuItem => ({ id: null, label, enabled: false });

  return {
    icon: icons[state.kind],
    badge,
    tooltip: texts.ui(badge > 0 ? 'tray.tooltip.count' : 'tray.tooltip', { state: headline, count: badge }),
    menu: [
      said(headline),
      ...notes(view, state, badge, texts, now).map(said),
      'separator',
      item('open-posture', texts.ui('tray.open')),
      item('open-ccp', texts.ui(view.ccp === 'open' || view.ccp === 'banner' ? 'tray.ccp.show' : 'tray.ccp'), hasCcp(view)),
      item('recheck', texts.ui(isLooking ? 'tray.rechecking' : 'tray.recheck'), isConnected && !isLooking),
      'separator',
      {
        id: null,
        label: texts.ui('tray.language'),
        enabled: true,
        submenu: LocaleChoice.options.map((choice) => ({
          id: `locale-${choice}` as const,
          label: choice === 'auto' ? texts.ui('tray.language.auto') : ownNames[choice],
          enabled: true,
          checked: choice === view.locale.choice,
        })),
      },
      item('save-bundle', texts.ui('tray.bundle'), isConnected),
      item('about', texts.ui('tray.about', { version: view.app.version })),
      'separator',
      item('quit', texts.ui('tray.quit')),
    ],
  };
}

function hasCcp({ snapshot, ccp }: DeskView): boolean {
  return ccp !== 'not-configured' && snapshot !== null && snapshot.ccp.url !== null;
}

function notes({ heardAt, snapshot }: DeskView, { kind, at, isStale }: DeskAnswer, badge: number, texts: Texts, now: Date): string[] {
  const lines: string[] = [];
  const acts = snapshot?.gate.acting === true;
  if (badge > 0) lines.push(texts.ui('tray.blocking', { count: badge }));
  if (kind === 'countdown' && at !== null) {
    lines.push(texts.ui(acts ? 'tray.left' : 'tray.left.observe', { left: leftWords(at, now, texts.locale) }));
  }
  const until = snapshot?.releasedUntil ?? null;
  if (tellsOfDesk(kind) && until !== null && isAhead(until, now)) {
    lines.push(texts.ui('tray.released', { at: clockWords(until, now, texts.locale) }));
  }
  if (tellsOfDesk(kind) && snapshot?.gate.notActingBecause === 'observe') lines.push(texts.ui('tray.observe'));
  if (isStale && heardAt !== null) lines.push(texts.ui('tray.stale', { at: clockWords(heardAt, now, texts.locale) }));
  return lines;
}

const counted: readonly AnswerKind[] = ['blocked', 'drain-expired', 'draining', 'would-block', 'released'];

function badgeOf(kind: AnswerKind, snapshot: Snapshot | null): number {
  const verdict = snapshot?.verdict ?? null;
  if (verdict === null) return 0;
  if (kind === 'undetermined-closed') return Math.max(1, verdict.undetermined.length);
  if (!counted.includes(kind) || (kind === 'released' && verdict.standing !== 'blocked')) return 0;
  // A cause may only warn itself, and explain a rule that blocks.
  return Math.max(1, verdict.causes.filter(({ enforcement, blocksAt }) => enforcement === 'block' && blocksAt === null).length);
}
