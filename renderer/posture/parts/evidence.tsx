import type { Finding } from '../../../contracts/finding.ts';
import { evidenceRows } from '../model/evidence-rows.ts';
import { uniqueKeys } from '../model/unique-keys.ts';
import { useWords } from '../words.ts';

/** What a finding rests on, for whoever is called for help. */
export function Evidence({ finding, now }: { finding: Finding; now: Date }) {
  const { texts, time } = useWords();
  const { ui } = texts;
  const { rows, left } = evidenceRows(finding.evidence);
  const { outcome } = finding;
  // A key of evidence may have a dot in it.
  const keys = uniqueKeys(rows.map(({ path }) => path));
  const facts: [string, string][] = [
    [ui('app.details.rule'), finding.rule],
    [ui('app.details.at'), time.clock(finding.observedAt, now)],
    [ui('app.details.last-pass'), finding.lastPassAt === null ? ui('app.details.never') : time.clock(finding.lastPassAt, now)],
    [ui('app.details.venue'), ui(`venue.${finding.venue}`)],
  ];
  return (
    <div className="evidence">
      <p>{texts.why(finding.check)}</p>
      <dl className="evidence-facts">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {outcome.kind === 'unknown' && outcome.detail !== '' && <p className="mono">{outcome.detail}</p>}
      {rows.length === 0 ? (
        <p className="quiet">{ui('app.details.none')}</p>
      ) : (
        <table>
          <thead>
            <tr>
              <th scope="col">{ui('app.details.field')}</th>
              <th scope="col">{ui('app.details.value')}</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ path, value }, index) => (
              <tr key={keys[index]}>
                <th scope="row">{path}</th>
                <td>{value}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {left > 0 && <p className="quiet">{ui('app.details.more', { count: left })}</p>}
    </div>
  );
}
