import { useEffect, useRef, useState } from 'react';
import type { Client } from '../../../contracts/call.ts';
import type { CheckId } from '../../../contracts/finding.ts';
import type { DeskView, Ipc } from '../../../contracts/ipc.ts';
import type { Face } from '../model/face.ts';
import { fixOrder, type Urgency, urgencies, whatIsFine } from '../model/fix-order.ts';
import type { Rechecks, Refusal } from '../model/recheck.ts';
import { Answer } from '../parts/answer.tsx';
import { FixCard } from '../parts/fix-card.tsx';
import { Plain } from '../parts/plain-findings.tsx';
import { ReleaseForm } from '../parts/release-form.tsx';
import { useWords } from '../words.ts';

interface Props {
  ipc: Client<Ipc>;
  view: DeskView;
  face: Face;
  now: Date;
  rechecks: Rechecks;
  recheck: (check: CheckId) => Promise<void>;
  /** Of everything, the last time. */
  refusal: Refusal | null;
  recheckAll: () => Promise<void>;
  /** What a link leads to; null once it was found, or is known not to be here. */
  sought: CheckId | null;
  onFound: () => void;
}

export function NowView({ ipc, view, face, now, rechecks, recheck, refusal, recheckAll, sought, onFound }: Props) {
  const { texts } = useWords();
  const { snapshot } = view;
  const answerRef = useRef<HTMLHeadingElement>(null);
  const [fixed, setFixed] = useState<CheckId[]>([]);
  // What an untrusted or silent service once said is not shown beside the word that it cannot be trusted.
  const isKnown = snapshot !== null && snapshot.verdict !== null && view.link !== 'not-the-daemon' && view.link !== 'absent';
  const items = isKnown ? fixOrder(snapshot, texts) : [];
  const { fine, apart } = isKnown ? whatIsFine(snapshot) : { fine: [], apart: [] };
  const acts = snapshot?.gate.acting === true;
  const canAsk = view.link === 'connected';

  // A mended card goes away with its button: the keyboard's place would be lost with it.
  useEffect(() => {
    const done = [...rechecks].flatMap(([check, { step }]) => (step === 'fixed' ? [check] : []));
    setFixed(done);
    if (done.length > 0 && document.activeElement === document.body) answerRef.current?.focus();
  }, [rechecks]);

  const isAwaited = view.link === 'connecting';
  useEffect(() => {
    if (sought === null || isAwaited) return;
    const place = document.querySelector<HTMLElement>(`main [data-check="${sought}"]`);
    // What it is folded into, and whatever that is folded into.
    for (let fold = place?.closest('details'); fold; fold = fold.parentElement?.closest('details')) fold.open = true;
    place?.scrollIntoView({ block: 'start' });
    (place ?? answerRef.current)?.focus({ preventScroll: place !== null });
    onFound();
  }, [sought, isAwaited, onFound]);

  const heading = (urgency: Urgency) => texts.ui(urgency === 'blocks' && !acts ? 'app.fix.would' : `app.fix.${urgency}`);
  return (
    <>
      <Answer ref={answerRef} ipc={ipc} view={view} face={face} now={now} canAsk={canAsk} refusal={refusal} recheckAll={recheckAll} />
      {fixed.map((check) => (
        <p key={check} className="done">
          {texts.ui('app.recheck.fixed', { title: texts.title(check) })}
        </p>
      ))}
      {urgencies.map((urgency) => {
        const cards = items.filter((item) => item.urgency === urgency);
        if (cards.length === 0) return null;
        return (
          <section key={urgency} aria-labelledby={`fix-${urgency}`}>
            <h2 id={`fix-${urgency}`}>{heading(urgency)}</h2>
            <ul className="cards">
              {cards.map((item) => (
                <li key={item.rule}>
                  <FixCard
                    item={item}
                    platform={view.app.platform}
                    acts={acts}
                    now={now}
                    isLooking={view.looking.includes(item.check)}
                    recheck={rechecks.get(item.check) ?? null}
                    onRecheck={canAsk ? () => void recheck(item.check) : null}
                  />
                </li>
              ))}
            </ul>
          </section>
        );
      })}
      <div className="folds">
        {face.shape === 'stop' && snapshot?.fleet.state === 'enrolled' && canAsk && <ReleaseForm ipc={ipc} now={now} />}
        {fine.length > 0 && <Plain summary={texts.ui('app.fine', { count: fine.length })} findings={fine} />}
        {apart.length > 0 && <Plain summary={texts.ui('app.apart', { count: apart.length })} findings={apart} />}
      </div>
    </>
  );
}
