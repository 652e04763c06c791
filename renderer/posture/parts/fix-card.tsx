import { isBad } from '../../../contracts/outcome.ts';
import type { Platform } from '../../../contracts/report.ts';
import type { FixItem } from '../model/fix-order.ts';
import type { Recheck } from '../model/recheck.ts';
import { stepsFor } from '../model/steps.ts';
import { useWords } from '../words.ts';
import { Evidence } from './evidence.tsx';
import { recheckWords } from './say.ts';

interface Props {
  item: FixItem;
  platform: Platform;
  /** The gate acts: what is said to block does. */
  acts: boolean;
  now: Date;
  isLooking: boolean;
  recheck: Recheck | null;
  /** Null while nobody would answer. */
  onRecheck: (() => void) | null;
}

export function FixCard({ item, platform, acts, now, isLooking, recheck, onRecheck }: Props) {
  const { texts, time } = useWords();
  const { check, finding, who, recovering } = item;
  const title = texts.title(check);
  const outcome = finding && isBad(finding.outcome) ? texts.outcome(check, finding.outcome) : null;
  const steps = finding && stepsFor(check, finding.outcome, platform);
  const isRunning = recheck?.step === 'running' || isLooking;
  const headingId = `card-${item.rule}`;
  const waiverWords = ({ grantedBy, until, reason }: NonNullable<FixItem['waiver']>) =>
    texts.ui('app.fix.waived.by', { who: grantedBy, at: time.clock(until, now), reason });

  return (
    <article
      className="card"
      data-urgency={item.urgency}
      data-rule={item.rule}
      data-check={check}
      tabIndex={-1}
      aria-labelledby={headingId}
    >
      <header>
        <h3 id={headingId}>{title}</h3>
        {who !== null && (
          <p className="who" data-who={who}>
            {texts.ui(`app.fix.who.${who}`)}
          </p>
        )}
      </header>
      {outcome !== null && <p className="found">{outcome.says}</p>}
      {recovering && <p className="found">{texts.ui('app.fix.recovering')}</p>}
      {outcome !== null && (
        <div className="fix">
          <p>{outcome.fix ?? texts.ui('app.fix.no-steps')}</p>
          {steps !== null && <p>{texts.ui('app.fix.on', { platform: texts.ui(`platform.${platform}`), steps: texts.ui(steps) })}</p>}
        </div>
      )}
      {item.blocksAt !== null && (
        <p className="fact">{texts.ui(acts ? 'app.fix.blocks-at' : 'app.fix.would-at', { at: time.clock(item.blocksAt, now) })}</p>
      )}
      {item.waived && (
        <p className="fact">
          {texts.ui('app.fix.waived')}
          {item.waiver !== null && <span className="quiet"> {waiverWords(item.waiver)}</span>}
        </p>
      )}
      <div className="actions">
        {onRecheck !== null && (
          <button
            type="button"
            aria-label={texts.ui('app.recheck.of', { title })}
            // Stays in the order of Tab: whoever pressed it would lose his place.
            aria-disabled={isRunning}
            data-busy={isRunning}
            onClick={() => {
              if (!isRunning) onRecheck();
            }}
          >
            {texts.ui(isRunning ? 'app.recheck.running' : 'app.recheck')}
          </button>
        )}
        {recheck !== null && recheck.step !== 'running' && !isRunning && (
          <p className="result" data-step={recheck.step}>
            {recheckWords(check, recheck, texts)}
          </p>
        )}
        {finding !== null && isBad(finding.outcome) && (
          <span className="quiet">{texts.ui('app.fix.since', { at: time.clock(finding.since, now) })}</span>
        )}
      </div>
      {item.explains.length > 0 && (
        <details>
          <summary>{texts.ui('app.fix.explains', { count: item.explains.length })}</summary>
          <ul className="plain">
            {item.explains.map(({ rule, check: other, finding: seen }) => (
              <li key={rule} data-check={other} tabIndex={-1}>
                <strong>{texts.title(other)}</strong> {seen !== null && texts.outcome(other, seen.outcome).says}
              </li>
            ))}
          </ul>
        </details>
      )}
      {finding !== null && (
        <details>
          <summary>{texts.ui('app.details')}</summary>
          <Evidence finding={finding} now={now} />
        </details>
      )}
    </article>
  );
}
