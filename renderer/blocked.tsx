import './style/tokens.css';
import './style/base.css';
import './style/ccp.css';
import { StrictMode, useEffect, useMemo, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { textsFor } from '../checks/texts/lookup.ts';
import type { Client } from '../contracts/call.ts';
import type { CcpTrouble, DeskView, Ipc } from '../contracts/ipc.ts';
import { isBad } from '../contracts/outcome.ts';
import { blockedLead, loadWords } from './ccp-words.ts';
import { connect } from './ipc.ts';
import { type FixItem, fixOrder } from './posture/model/fix-order.ts';
import type { Recheck } from './posture/model/recheck.ts';
import { stepsFor } from './posture/model/steps.ts';
import { timeWords } from './posture/model/time-words.ts';
import { Sign } from './posture/parts/icon.tsx';
import { recheckWords } from './posture/parts/say.ts';
import { useDesk, useNow } from './posture/use-desk.ts';
import { useWords, WordsContext } from './posture/words.ts';

function InPlaceOfCcp({ ipc }: { ipc: Client<Ipc> }) {
  const desk = useDesk(ipc, useNow(false));
  const { view } = desk;
  const locale = view?.locale.inUse ?? 'en';
  const words = useMemo(() => ({ texts: textsFor(locale), time: timeWords(locale) }), [locale]);
  const title = view?.ccpTrouble ? 'app.face.not-shown' : 'ccp.blocked.title';

  useEffect(() => {
    document.documentElement.lang = locale;
    document.title = words.texts.ui(title);
  }, [locale, words, title]);

  return (
    <WordsContext value={words}>
      {view?.ccpTrouble ? <Unreachable trouble={view.ccpTrouble} ipc={ipc} /> : <Blocked ipc={ipc} desk={desk} />}
    </WordsContext>
  );
}

/** The gate has nothing to do with it: there is nothing to check again, and the window goes on trying. */
function Unreachable({ trouble, ipc }: { trouble: CcpTrouble; ipc: Client<Ipc> }) {
  const { ui } = useWords().texts;
  const { says, forIt, args } = loadWords(trouble);
  return (
    <main className="blocked">
      <Sign shape="care" />
      <h1>{ui('app.face.not-shown')}</h1>
      <div role="status">
        {says.map((line) => (
          <p key={line}>{ui(line, args)}</p>
        ))}
      </div>
      <section aria-labelledby="for-it">
        <h2 id="for-it">{ui('ccp.load.it')}</h2>
        <p>{ui(forIt, args)}</p>
      </section>
      <div className="actions">
        <button type="button" onClick={() => void ipc.openPosture(undefined)}>
          {ui('ccp.blocked.open')}
        </button>
      </div>
    </main>
  );
}

function Blocked({ ipc, desk }: { ipc: Client<Ipc>; desk: ReturnType<typeof useDesk> }) {
  const { view, rechecks, recheck } = desk;
  const [isAskedForAll, setIsAskedForAll] = useState(false);
  const words = useWords();
  const { ui } = words.texts;

  const isConnected = view?.link === 'connected';
  const lead = view === null ? null : blockedLead(view);
  const holdsUp = view === null || !isConnected ? [] : itemsOf(view, words.texts);
  const [first] = holdsUp;
  const result = first ? (rechecks.get(first.check) ?? null) : null;
  const isRunning = view !== null && (result?.step === 'running' || (first ? view.looking.includes(first.check) : view.looking.length > 0));
  const check = async () => {
    if (isRunning) return;
    if (first) return recheck(first.check);
    setIsAskedForAll(true);
    await ipc.recheck({});
    setIsAskedForAll(false);
  };

  return (
    <main className="blocked">
      <Sign shape="stop" />
      <h1>{ui('ccp.blocked.title')}</h1>
      {lead !== null && <p role="status">{ui(lead)}</p>}
      {view !== null && isConnected && first && <First item={first} view={view} />}
      {isConnected && !first && lead !== 'ccp.blocked.opening' && <p>{ui('ccp.blocked.unknown')}</p>}
      {holdsUp.length > 1 && <p className="quiet">{ui('ccp.blocked.also', { count: holdsUp.length - 1 })}</p>}
      <div className="actions">
        {isConnected && (
          <button type="button" className="primary" aria-disabled={isRunning || isAskedForAll} onClick={() => void check()}>
            {ui(isRunning || isAskedForAll ? 'app.recheck.running' : 'app.recheck')}
          </button>
        )}
        <button type="button" onClick={() => void ipc.openPosture(undefined)}>
          {ui('ccp.blocked.open')}
        </button>
      </div>
      {isRunning && <progress aria-label={ui('app.recheck.running')} />}
      <p className="result" role="status">
        {first && result !== null && !isRunning ? said(first, result, words.texts) : ''}
      </p>
    </main>
  );
}

function said(item: FixItem, result: Recheck, texts: ReturnType<typeof textsFor>): string {
  return result.step === 'running' ? '' : recheckWords(item.check, result, texts);
}

/** What only warns does not hold the window shut. */
function itemsOf({ snapshot }: DeskView, texts: ReturnType<typeof textsFor>): FixItem[] {
  return snapshot === null ? [] : fixOrder(snapshot, texts).filter(({ urgency }) => urgency === 'blocks' || urgency === 'undetermined');
}

function First({ item, view }: { item: FixItem; view: DeskView }) {
  const { texts } = useWords();
  const { check, finding, who } = item;
  const bad = finding !== null && isBad(finding.outcome) ? finding.outcome : null;
  const outcome = bad && texts.outcome(check, bad);
  const steps = bad && stepsFor(check, bad, view.app.platform);
  return (
    <section aria-labelledby="first">
      <h2 id="first">{texts.ui('ccp.blocked.first')}</h2>
      <h3>{texts.title(check)}</h3>
      {outcome !== null && <p>{outcome.says}</p>}
      {who !== null && (
        <p className="who" data-who={who}>
          {texts.ui(`app.fix.who.${who}`)}
        </p>
      )}
      {item.recovering ? <p>{texts.ui('app.fix.recovering')}</p> : <p>{outcome?.fix ?? texts.ui('app.fix.no-steps')}</p>}
      {steps !== null && <p>{texts.ui('app.fix.on', { platform: texts.ui(`platform.${view.app.platform}`), steps: texts.ui(steps) })}</p>}
    </section>
  );
}

const root = document.getElementById('root');
if (root) {
  createRoot(root).render(
    <StrictMode>
      <InPlaceOfCcp ipc={connect(window.deskwarden)} />
    </StrictMode>,
  );
}
