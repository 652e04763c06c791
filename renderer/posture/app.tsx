import { lazy, Suspense, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { textsFor } from '../../checks/texts/lookup.ts';
import type { Client } from '../../contracts/call.ts';
import type { Ipc } from '../../contracts/ipc.ts';
import { faceOf } from './model/face.ts';
import { type Place, placeOfHash, type ViewName } from './model/place.ts';
import { timeWords } from './model/time-words.ts';
import { LiveRegion } from './parts/live-region.tsx';
import { Navigation } from './parts/navigation.tsx';
import { useDesk, useNow, useRecheckAll } from './use-desk.ts';
import { AboutView } from './views/about.tsx';
import { NowView } from './views/now.tsx';
import { TodayView } from './views/today.tsx';
import { WordsContext } from './words.ts';

// What the first answer does not need is loaded when it is asked for: the plot, and every check's schema.
const QualityView = lazy(() => import('./views/quality.tsx'));
const LeavesView = lazy(() => import('./views/leaves.tsx'));

const FIRST_LOCALE = 'en';
const FIRST_PLACE: Place = { name: 'now', check: null };
/** Below this the countdown shows seconds. */
const SECONDS_MATTER_MS = 3 * 60_000;

export function App({ ipc }: { ipc: Client<Ipc> }) {
  const [{ name, check }, setPlace] = useState<Place>(() => placeOfHash(window.location.hash) ?? FIRST_PLACE);
  const [everySecond, setEverySecond] = useState(false);
  const now = useNow(everySecond, ipc);
  const { view, rechecks, recheck } = useDesk(ipc, now);
  const { refusal, recheckAll } = useRecheckAll(ipc, view?.link === 'connected');
  const locale = view?.locale.inUse ?? FIRST_LOCALE;
  const words = useMemo(() => ({ texts: textsFor(locale), time: timeWords(locale) }), [locale]);
  const face = useMemo(() => (view === null ? null : faceOf(view, now)), [view, now]);
  const { ui } = words.texts;
  const mainRef = useRef<HTMLElement>(null);

  useEffect(() => {
    document.documentElement.lang = locale;
    document.title = `${ui(`app.nav.${name}`)} – ${ui('app.title')}`;
  }, [locale, name, ui]);

  const isNear = face?.kind === 'countdown' && face.at !== null && Date.parse(face.at) - now.getTime() < SECONDS_MATTER_MS;
  useEffect(() => setEverySecond(isNear), [isNear]);

  const go = useCallback((next: ViewName) => {
    setPlace({ name: next, check: null });
    window.scrollTo(0, 0);
  }, []);
  useEffect(() => {
    const follow = () => {
      const asked = placeOfHash(window.location.hash);
      if (asked === null) return;
      // The same link leads here again, wherever its user has gone since.
      window.history.replaceState(null, '', window.location.pathname);
      setPlace(asked);
      window.scrollTo(0, 0);
      // Whoever looks for a check is led on to it, once there is a view.
      if (asked.check === null) mainRef.current?.focus();
    };
    follow();
    window.addEventListener('hashchange', follow);
    return () => window.removeEventListener('hashchange', follow);
  }, []);
  const found = useCallback(() => setPlace((place) => ({ ...place, check: null })), []);

  const shown = () => {
    if (view === null || face === null) return <p className="quiet">{ui('app.loading')}</p>;
    switch (name) {
      case 'now':
        return (
          <NowView
            ipc={ipc}
            view={view}
            face={face}
            now={now}
            rechecks={rechecks}
            recheck={recheck}
            refusal={refusal}
            recheckAll={recheckAll}
            sought={check}
            onFound={found}
          />
        );
      case 'quality':
        return <QualityView ipc={ipc} view={view} now={now} limits={view.snapshot?.policy.quality ?? null} />;
      case 'today':
        return <TodayView ipc={ipc} view={view} now={now} />;
      case 'leaves':
        return <LeavesView snapshot={view.snapshot} />;
      case 'about':
        return <AboutView ipc={ipc} view={view} />;
    }
  };

  return (
    <WordsContext value={words}>
      <div className="window">
        <button type="button" className="skip" onClick={() => mainRef.current?.focus()}>
          {ui('app.skip')}
        </button>
        <Navigation current={name} go={go} choice={view?.locale.choice ?? null} setLocale={(choice) => void ipc.setLocale({ choice })} />
        <main ref={mainRef} tabIndex={-1}>
          <Suspense fallback={<p className="quiet">{ui('app.loading')}</p>}>{shown()}</Suspense>
        </main>
        <LiveRegion face={face} rechecks={rechecks} refusal={refusal} />
      </div>
    </WordsContext>
  );
}
