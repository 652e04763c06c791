import type { Finding } from '../../../contracts/finding.ts';
import { evidenceRows } from '../model/evidence-rows.ts';
import { useWords } from '../words.ts';

/** What a finding rests on, for whoever is called for help. */
export function Evidence({ finding }: { finding: Finding }) {
  const { texts, time } = useWords();
  const { ui } = texts;
  const { rows, left } = evidenceRows(finding.evidence);
  const { outcome } = finding;
  const facts: [string, string][] = [
    [ui('app.details.rule'), finding.rule],
    [ui('app.details.at'), time.full(finding.observedAt)],
    [ui('app.details.last-pass'), finding.lastPassAt === null ? ui('app.details.never') : time.full(finding.lastPassAt)],
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
            {rows.map(({ path, value }) => (
              <tr key={path}>
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
