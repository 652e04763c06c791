import { type SubmitEvent, useId, useState } from 'react';
import type { Client } from '../../../contracts/call.ts';
import type { Ipc } from '../../../contracts/ipc.ts';
import { ReleaseCode } from '../../../contracts/local-api.ts';
import { useWords } from '../words.ts';

export function ReleaseForm({ ipc, now }: { ipc: Client<Ipc>; now: Date }) {
  const { texts, time } = useWords();
  const id = useId();
  const [code, setCode] = useState('');
  const [isBusy, setBusy] = useState(false);
  const [wrong, setWrong] = useState<string | null>(null);
  const [done, setDone] = useState<string | null>(null);

  const submit = async (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (isBusy) return;
    // Codes are read out in groups.
    const parsed = ReleaseCode.safeParse(code.replace(/[\s-]/g, ''));
    if (!parsed.success) return setWrong(texts.ui('app.release.format'));
    setBusy(true);
    const answer = await ipc.release({ code: parsed.data });
    setBusy(false);
    if (answer.ok) {
      setWrong(null);
      setCode('');
      return setDone(texts.ui('app.release.done', { at: time.clock(answer.value.until, now) }));
    }
    switch (answer.error.code) {
      case 'wrong-code':
      case 'too-soon':
      case 'not-allowed':
        return setWrong(texts.ui(`app.release.${answer.error.code}`));
      case 'busy':
      case 'no-daemon':
        return setWrong(texts.ui(`app.recheck.${answer.error.code}`));
      default:
        return setWrong(texts.ui('app.recheck.failed'));
    }
  };

  return (
    <details className="fold release">
      <summary>{texts.ui('app.release')}</summary>
      <form onSubmit={(event) => void submit(event)} noValidate>
        <p>{texts.ui('app.release.more')}</p>
        <label htmlFor={id}>{texts.ui('app.release.code')}</label>
        <div className="actions">
          <input
            id={id}
            value={code}
            onChange={(event) => setCode(event.target.value)}
            inputMode="numeric"
            autoComplete="one-time-code"
            maxLength={12}
            aria-invalid={wrong !== null}
            aria-describedby={`${id}-says`}
          />
          <button type="submit" aria-disabled={isBusy}>
            {texts.ui('app.release.open')}
          </button>
        </div>
        <p id={`${id}-says`} role="status" className={wrong === null ? 'done' : 'trouble'}>
          {wrong ?? done}
        </p>
      </form>
    </details>
  );
}
