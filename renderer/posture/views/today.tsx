import type { Client } from '../../../contracts/call.ts';
import type { StandingChange } from '../../../contracts/desk-history.ts';
import type { Ipc } from '../../../contracts/ipc.ts';
import type { Standing } from '../../../contracts/verdict.ts';
import { changesOfDay, dayWindow, type Stretch, strip } from '../model/day.ts';
import type { FaceShape } from '../model/face.ts';
import { Sign } from '../parts/icon.tsx';
import { Unloaded } from '../parts/unloaded.tsx';
import { useHistory } from '../use-history.ts';
import { useWords } from '../words.ts';

const shapeOf: Readonly<Record<Standing, FaceShape>> = { clear: 'go', caution: 'care', blocked: 'stop', undetermined: 'ask' };

export function TodayView({ ipc, now, heardAt }: { ipc: Client<Ipc>; now: Date; heardAt: string | null }) {
  const { texts } = useWords();
  const { history, load } = useHistory(ipc, heardAt);
  return (
    <>
      <h1>{texts.ui('app.nav.today')}</h1>
      <p className="lead">{texts.ui('app.today.lead')}</p>
      {history === null || history === 'failed' ? (
        <Unloaded state={history} again={() => void load()} />
      ) : (
        <Day changes={history.standings} now={now} />
      )}
    </>
  );
}

function Day({ changes, now }: { changes: readonly StandingChange[]; now: Date }) {
  const { texts, time } = useWords();
  const span = dayWindow(now);
  const stretches = strip(changes, span);
  const today = changesOfDay(changes, span);
  const nameOf = (standing: Standing | null) => texts.ui(standing === null ? 'app.today.unknown' : `standing.${standing}`);
  const at = (ms: number) => time.clock(new Date(ms), now);
  const says = ({ standing, fromMs, toMs }: Stretch) =>
    texts.ui('app.today.part', { standing: nameOf(standing), from: at(fromMs), to: at(toMs), length: time.length(toMs - fromMs) });
  return (
    <>
      <figure className="strip">
        <div className="bar" aria-hidden="true">
          {stretches.map((stretch) => (
            <span
              key={stretch.fromMs}
              data-standing={stretch.standing ?? 'none'}
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
          {[...new Set(stretches.map(({ standing }) => standing))].map((standing) => (
            <li key={standing ?? 'none'}>
              <span className="swatch" data-standing={standing ?? 'none'} /> {nameOf(standing)}
            </li>
          ))}
        </ul>
        <ul className="sr">
          {stretches.map((stretch) => (
            <li key={stretch.fromMs}>{says(stretch)}</li>
          ))}
        </ul>
      </figure>
      {today.length === 0 ? (
        <p className="quiet">{texts.ui('app.today.none')}</p>
      ) : (
        <ol className="changes">
          {today.map((change) => (
            <li key={change.at}>
              <time dateTime={change.at}>{time.clock(change.at, now)}</time>
              <Sign shape={shapeOf[change.standing]} className="small-sign" />
              <div>
                <strong>{nameOf(change.standing)}</strong>
                {change.causes.length > 0 && (
                  <span className="quiet">{change.causes.map((check) => texts.title(check)).join(texts.ui('list.separator'))}</span>
                )}
              </div>
            </li>
          ))}
        </ol>
      )}
    </>
  );
}
