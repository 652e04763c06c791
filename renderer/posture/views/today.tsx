import type { Client } from '../../../contracts/call.ts';
import type { DeskHistory } from '../../../contracts/desk-history.ts';
import type { DeskView, Ipc } from '../../../contracts/ipc.ts';
import { type DayEntry, dayEntries, dayWindow, type Stood, type Stretch, strip, watchedUntilNow } from '../model/day.ts';
import type { FaceShape } from '../model/face.ts';
import { Sign } from '../parts/icon.tsx';
import { Unloaded } from '../parts/unloaded.tsx';
import { useHistory } from '../use-history.ts';
import { useWords } from '../words.ts';

const shapeOf: Readonly<Record<Stood, FaceShape>> = {
  clear: 'go',
  caution: 'care',
  blocked: 'stop',
  undetermined: 'ask',
  'not-watched': 'off',
  unknown: 'off',
};

interface Props {
  ipc: Client<Ipc>;
  view: Pick<DeskView, 'link' | 'heardAt' | 'snapshot'>;
  now: Date;
}

export function TodayView({ ipc, view, now }: Props) {
  const { texts } = useWords();
  const { history, load } = useHistory(ipc, view);
  return (
    <>
      <h1>{texts.ui('app.nav.today')}</h1>
      <p className="lead">{texts.ui('app.today.lead')}</p>
      {history === null || history === 'failed' ? (
        <Unloaded state={history} again={() => void load()} />
      ) : (
        <Day history={history} view={view} now={now} />
      )}
    </>
  );
}

function Day({ history: { standings, watched }, view, now }: { history: DeskHistory } & Pick<Props, 'view' | 'now'>) {
  const { texts, time } = useWords();
  const span = dayWindow(now);
  const stretches = strip(standings, watchedUntilNow(watched, view.link, view.heardAt, now), span);
  const entries = dayEntries(standings, stretches, span);
  const nameOf = (stood: Stood) => {
    if (stood === 'not-watched') return texts.ui('app.today.not-watched');
    return stood === 'unknown' ? texts.ui('app.today.unknown') : texts.ui(`standing.${stood}`);
  };
  const at = (ms: number) => time.clock(new Date(ms), now);
  const says = ({ stood, fromMs, toMs }: Stretch) =>
    texts.ui('app.today.part', { standing: nameOf(stood), from: at(fromMs), to: at(toMs), length: time.length(toMs - fromMs) });
  const moreOf = ({ stood, until, causes }: DayEntry) => {
    if (stood !== 'not-watched') return causes.map((check) => texts.title(check)).join(texts.ui('list.separator'));
    return until === null
      ? texts.ui('app.today.not-watched.still')
      : texts.ui('app.today.not-watched.until', { at: time.clock(until, now) });
  };
  return (
    <>
      <figure className="strip">
        <div className="bar" aria-hidden="true">
          {stretches.map((stretch) => (
            <span
              key={stretch.fromMs}
              data-standing={stretch.stood}
              title={says(stretch)}
              style={{ flexGrow: stretch.toMs - stretch.fromMs }}
            />
          ))}
        </div>
        <figcaption>
          <span>{at(span.fromMs)}</span>
          <span>{at(span.toMs)}</span>
        </figcaption>
        <ul className="legend" aria-hidden="true">
          {[...new Set(stretches.map(({ stood }) => stood))].map((stood) => (
            <li key={stood}>
              <span className="swatch" data-standing={stood} /> {nameOf(stood)}
            </li>
          ))}
        </ul>
        <ul className="sr">
          {stretches.map((stretch) => (
            <li key={stretch.fromMs}>{says(stretch)}</li>
          ))}
        </ul>
      </figure>
      {stretches.some(({ stood }) => stood === 'not-watched') && <p className="quiet">{texts.ui('app.today.not-watched.why')}</p>}
      {entries.length === 0 ? (
        <p className="quiet">{texts.ui('app.today.none')}</p>
      ) : (
        <ol className="changes">
          {entries.map((entry) => (
            <li key={entry.key}>
              <time dateTime={entry.at}>{time.clock(entry.at, now)}</time>
              <Sign shape={shapeOf[entry.stood]} className="small-sign" />
              <div>
                <strong>{nameOf(entry.stood)}</strong>
                {moreOf(entry) !== '' && <span className="quiet">{moreOf(entry)}</span>}
              </div>
            </li>
          ))}
        </ol>
      )}
    </>
  );
}
