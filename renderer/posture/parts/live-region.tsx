import { useEffect, useRef, useState } from 'react';
import { announce } from '../model/announce.ts';
import type { Face } from '../model/face.ts';
import type { Rechecks, Refusal } from '../model/recheck.ts';
import { useWords } from '../words.ts';
import { headlineOf, recheckWords, refusalWords } from './say.ts';

interface Props {
  face: Face | null;
  rechecks: Rechecks;
  refusal: Refusal | null;
}

/** Tells screen readers what changed; it stays in the page, for a region that comes with its text is not read. */
export function LiveRegion({ face, rechecks, refusal }: Props) {
  const words = useWords();
  const [polite, setPolite] = useState('');
  const [assertive, setAssertive] = useState('');
  const lastFace = useRef<Face | null>(null);
  const lastRechecks = useRef(rechecks);

  useEffect(() => {
    if (face === null) return;
    const told = announce(lastFace.current, face);
    lastFace.current = face;
    if (told === null) return;
    const headline = headlineOf(told.what, words, new Date());
    if (told.how === 'assertive') setAssertive(words.texts.ui('app.say.blocked', { headline }));
    else setPolite(headline);
  }, [face, words]);

  useEffect(() => {
    const before = lastRechecks.current;
    lastRechecks.current = rechecks;
    for (const [check, recheck] of rechecks) {
      if (before.get(check)?.step !== recheck.step) setPolite(recheckWords(check, recheck, words.texts));
    }
  }, [rechecks, words]);

  useEffect(() => {
    if (refusal === null) return;
    const says = refusalWords(refusal, words.texts);
    // The same words again are no change, and would not be read.
    setPolite((before) => (before === says ? `${says}\u00a0` : says));
  }, [refusal, words]);

  return (
    <>
      <p className="sr" role="status">
        {polite}
      </p>
      <p className="sr" role="alert">
        {assertive}
      </p>
    </>
  );
}
