import type { Ref } from 'react';
import type { Texts } from '../../../checks/texts/lookup.ts';
import type { Client } from '../../../contracts/call.ts';
import type { DeskView, Ipc } from '../../../contracts/ipc.ts';
import type { Snapshot } from '../../../contracts/local-api.ts';
import { loadWords } from '../../ccp-words.ts';
import type { Face } from '../model/face.ts';
import type { Refusal } from '../model/recheck.ts';
import { useWords } from '../words.ts';
import { Sign } from './icon.tsx';
import { headlineOf, refusalWords } from './say.ts';

interface Props {
  ref: Ref<HTMLHeadingElement>;
  ipc: Client<Ipc>;
  view: DeskView;
  face: Face;
  now: Date;
  canAsk: boolean;
  refusal: Refusal | null;
  recheckAll: () => Promise<void>;
}

/** What follows from the answer. Only a call that the privileged side sees goes on for as long as it needs. */
function moreOf({ kind }: Face, snapshot: Snapshot | null, notShown: readonly string[], { ui }: Texts): readonly string[] {
  if (kind === 'not-shown') return notShown;
  if (kind === 'countdown' && snapshot?.gate.acting !== true) return [ui('app.face.countdown.observe')];
  const isSeen = snapshot?.activity.activity === 'on-call' && snapshot.activity.byPrivileged;
  if (kind === 'draining' && !isSeen) return [ui('app.face.draining.unknown')];
  return [ui(`app.face.${kind}.more`)];
}

/** May I take calls? */
export function Answer({ ref, ipc, view, face, now, canAsk, refusal, recheckAll }: Props) {
  const words = useWords();
  const { texts, time } = words;
  const { snapshot } = view;
  const looking = view.looking.length > 0;
  const load = view.ccpTrouble && loadWords(view.ccpTrouble);
  const notShown = load?.says.map((line) => texts.ui(line, load.args)) ?? [];

  const noteArgs = () => ({
    reconnecting: { at: view.heardAt === null ? '' : time.clock(view.heardAt, now) },
    released: { at: snapshot?.releasedUntil ? time.clock(snapshot.releasedUntil, now) : '' },
  });
  const argsOf = (note: string) => (note === 'reconnecting' || note === 'released' ? noteArgs()[note] : {});

  return (
    <section className="answer" data-shape={face.shape} data-face={face.kind} data-stale={face.notes.includes('reconnecting')}>
      <Sign shape={face.shape} />
      <div className="says">
        <p className="question">{texts.ui('app.question')}</p>
        <h1 ref={ref} tabIndex={-1}>
          {headlineOf(face, words, now)}
        </h1>
        {face.kind === 'countdown' && face.at !== null && (
          <p className="countdown" role="timer">
            {texts.ui('app.countdown', { left: time.left(face.at, now) })}
          </p>
        )}
        {moreOf(face, snapshot, notShown, texts).map((line) => (
          <p key={line}>{line}</p>
        ))}
        {face.kind !== 'not-shown' && notShown.length > 0 && (
          <p className="note">
            <strong>{texts.ui('app.face.not-shown')}</strong>
            {notShown[0]}
          </p>
        )}
        {face.notes.map((note) => (
          <p key={note} className="note">
            {texts.ui(`app.note.${note}`, argsOf(note))}
          </p>
        ))}
        <div className="actions">
          {canAsk && view.ccp === 'not-open' && face.shape !== 'stop' && (
            <button type="button" className="primary" onClick={() => void ipc.openCcp(undefined)}>
              {texts.ui('app.ccp.open')}
            </button>
          )}
          {canAsk && snapshot?.verdict && (
            <button
              type="button"
              aria-disabled={looking}
              onClick={() => {
                if (!looking) void recheckAll();
              }}
            >
              {texts.ui(looking ? 'app.recheck.running' : 'app.recheck.all')}
            </button>
          )}
          {snapshot?.verdict && canAsk && (
            <span className="quiet">{texts.ui('app.checked', { at: time.clock(snapshot.verdict.decidedAt, now) })}</span>
          )}
        </div>
        {refusal !== null && <p className="trouble">{refusalWords(refusal, texts)}</p>}
      </div>
    </section>
  );
}
