import mediaQuality from '../../../checks/network/media-quality.check.ts';
import type { Client } from '../../../contracts/call.ts';
import type { QualitySample } from '../../../contracts/desk-history.ts';
import type { DeskView, Ipc } from '../../../contracts/ipc.ts';
import { QualityLimits } from '../../../contracts/local-api.ts';
import { gradeOf, type Measure, measures } from '../model/quality.ts';
import { uniqueKeys } from '../model/unique-keys.ts';
import { Plot } from '../parts/plot.tsx';
import { Unloaded } from '../parts/unloaded.tsx';
import { useHistory } from '../use-history.ts';
import { useWords } from '../words.ts';

const recommended = QualityLimits.strip().parse(mediaQuality.params.parse({}));
const digits: Readonly<Record<Measure, number>> = { mos: 1, rttMs: 0, jitterMs: 1, lossPercent: 1 };

interface Props {
  ipc: Client<Ipc>;
  view: Pick<DeskView, 'heardAt' | 'snapshot'>;
  /** Null where the policy sets none, or is not known. */
  limits: QualityLimits | null;
  now: Date;
}

export default function QualityView({ ipc, view, limits, now }: Props) {
  const { texts } = useWords();
  const { history, load } = useHistory(ipc, view);
  return (
    <>
      <h1>{texts.ui('app.nav.quality')}</h1>
      <p className="lead">{texts.ui('app.quality.lead')}</p>
      {history === null || history === 'failed' ? (
        <Unloaded state={history} again={() => void load()} />
      ) : history.quality.length === 0 ? (
        <p className="quiet">{texts.ui('app.quality.none')}</p>
      ) : (
        <>
          <p className="quiet">{texts.ui(limits === null ? 'app.quality.of-check' : 'app.quality.of-policy')}</p>
          <Plots samples={history.quality} limits={limits ?? recommended} now={now} />
        </>
      )}
    </>
  );
}

function Plots({ samples, limits, now }: { samples: readonly QualitySample[]; limits: QualityLimits; now: Date }) {
  const { texts, time } = useWords();
  const last = samples.at(-1);
  const keys = uniqueKeys(samples.map(({ at }) => at));
  const rows = samples.map((sample, index) => ({ sample, key: keys[index] ?? sample.at })).reverse();
  const shown = (measure: Measure, value: number | null) =>
    value === null ? texts.ui('app.quality.unmeasured') : time.number(value, digits[measure]);
  return (
    <>
      <div className="plots">
        {measures.map((measure) => {
          const value = last?.[measure] ?? null;
          const grade = value === null ? null : gradeOf(measure, value, limits[measure]);
          const { warn, fail } = limits[measure];
          return (
            <section key={measure} className="plot" aria-labelledby={`plot-${measure}`}>
              <h2 id={`plot-${measure}`}>{texts.ui(`app.quality.${measure}`)}</h2>
              <p className="reading">
                {texts.ui('app.quality.now', { value: shown(measure, value) })}
                {grade !== null && (
                  <span className="grade" data-grade={grade}>
                    {texts.ui(`app.quality.${grade}`)}
                  </span>
                )}
              </p>
              <Plot samples={samples} measure={measure} limits={limits[measure]} />
              <p className="quiet">
                {texts.ui(measure === 'mos' ? 'app.quality.limits.mos' : 'app.quality.limits', {
                  warn: time.number(warn, 1),
                  fail: time.number(fail, 1),
                })}
              </p>
            </section>
          );
        })}
      </div>
      <details className="fold">
        <summary>{texts.ui('app.quality.table')}</summary>
        <table className="figures">
          <thead>
            <tr>
              <th scope="col">{texts.ui('app.quality.time')}</th>
              {measures.map((measure) => (
                <th key={measure} scope="col">
                  {texts.ui(`app.quality.${measure}`)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map(({ key, sample }) => (
              <tr key={key}>
                <th scope="row">{time.clock(sample.at, now)}</th>
                {measures.map((measure) => (
                  <td key={measure}>{shown(measure, sample[measure])}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </>
  );
}
