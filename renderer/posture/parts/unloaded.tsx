import { useWords } from '../words.ts';

export function Unloaded({ state, again }: { state: 'failed' | null; again: () => void }) {
  const { ui } = useWords().texts;
  if (state === null) return <p className="quiet">{ui('app.loading')}</p>;
  return (
    <div className="actions">
      <p className="trouble" role="status">
        {ui('app.failed')}
      </p>
      <button type="button" onClick={again}>
        {ui('app.again')}
      </button>
    </div>
  );
}
