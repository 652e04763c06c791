import { useMemo } from 'react';
import { catalog } from '../../../checks/catalog.ts';
import type { Snapshot } from '../../../contracts/local-api.ts';
import { fieldsByClass, type LeavingGroup, leavingGroups } from '../model/leaves.ts';
import { useWords } from '../words.ts';

export default function LeavesView({ snapshot }: { snapshot: Snapshot | null }) {
  const { texts } = useWords();
  const { ui } = texts;
  const fleet = snapshot?.fleet ?? null;
  // By its content: each view that comes has a list of its own.
  const allowed = JSON.stringify(snapshot?.policy.reporting.fields ?? []);
  const byClass = useMemo(() => fieldsByClass(catalog, JSON.parse(allowed) as string[]), [allowed]);
  const belongs = fleet !== null && fleet.state !== 'not-enrolled' && fleet.server !== null;
  return (
    <>
      <h1>{ui('app.leaves.heading')}</h1>
      <p className="lead">{ui('app.leaves.lead')}</p>
      <p>{belongs ? ui('app.leaves.server', { server: fleet.server ?? '' }) : ui('app.leaves.nowhere')}</p>
      <Groups heading={ui('app.leaves.always')} groups={leavingGroups.filter((group) => group !== 'enrolment')} />
      <Groups heading={ui('app.leaves.enrolment')} groups={['enrolment']} />
      <h2>{ui('app.leaves.checks')}</h2>
      <p>{ui('app.leaves.checks.lead')}</p>
      {byClass.map(({ class: name, checks }) => (
        <section key={name} className="class" aria-labelledby={`class-${name}`}>
          <h3 id={`class-${name}`}>{ui(`app.leaves.class.${name}`)}</h3>
          <p>{ui(`app.leaves.class.${name}.says`)}</p>
          <p className="quiet">
            {ui('label.colon', {
              label: ui('app.leaves.who'),
              text: ui(name === 'restricted' ? 'app.leaves.sealed-readers' : 'app.leaves.readers'),
            })}
          </p>
          {checks.length === 0 && <p className="quiet">{ui('app.leaves.class.none')}</p>}
          {checks.map(({ check, fields }) => (
            <details key={check}>
              <summary>
                {texts.title(check)}{' '}
                <span className="quiet">
                  {ui('app.leaves.fields', { count: fields.length, leaving: fields.filter(({ leaves }) => leaves !== 'no').length })}
                </span>
              </summary>
              <p>{ui('label.colon', { label: ui('app.leaves.why'), text: texts.why(check) })}</p>
              <ul className="fields">
                {fields.map(({ path, description, leaves }) => (
                  <li key={path}>
                    <code>{path}</code>{' '}
                    <span className="leaves" data-leaves={leaves}>
                      {ui(`app.leaves.how.${leaves}`)}
                    </span>
                    {/* Descriptions of fields are those of docs/checks.md, in English. */}
                    {description !== '' && texts.locale === 'en' && <span className="quiet"> {description}</span>}
                  </li>
                ))}
              </ul>
            </details>
          ))}
        </section>
      ))}
    </>
  );
}

function Groups({ heading, groups }: { heading: string; groups: readonly LeavingGroup[] }) {
  const { ui } = useWords().texts;
  return (
    <section aria-labelledby={`groups-${groups[0]}`}>
      <h2 id={`groups-${groups[0]}`}>{heading}</h2>
      <dl className="groups">
        {groups.map((group) => (
          <div key={group}>
            <dt>{ui(`app.leaves.group.${group}`)}</dt>
            <dd>{ui('label.colon', { label: ui('app.leaves.why'), text: ui(`app.leaves.group.${group}.why`) })}</dd>
            <dd>
              {ui('label.colon', {
                label: ui('app.leaves.who'),
                text: ui(group === 'sealed' ? 'app.leaves.sealed-readers' : 'app.leaves.readers'),
              })}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
