import type { Finding } from '../../../contracts/finding.ts';
import { useWords } from '../words.ts';

/** Findings that ask nothing of anybody, folded. */
export function Plain({ summary, findings }: { summary: string; findings: readonly Finding[] }) {
  const { texts } = useWords();
  return (
    <details className="fold">
      <summary>{summary}</summary>
      <ul className="plain">
        {findings.map(({ rule, check, outcome }) => (
          <li key={rule} data-check={check} tabIndex={-1}>
            <strong>{texts.title(check)}</strong>{' '}
            <span className="quiet">{outcome.kind === 'pass' ? texts.what(check) : texts.outcome(check, outcome).says}</span>
          </li>
        ))}
      </ul>
    </details>
  );
}
