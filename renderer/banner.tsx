import './style/tokens.css';
import './style/base.css';
import './style/ccp.css';
import { StrictMode, useEffect } from 'react';
import { createRoot } from 'react-dom/client';
import { textsFor } from '../checks/texts/lookup.ts';
import type { Client } from '../contracts/call.ts';
import type { Ipc } from '../contracts/ipc.ts';
import { bannerLines } from './ccp-words.ts';
import { connect } from './ipc.ts';
import { Sign } from './posture/parts/icon.tsx';
import { useDesk, useNow } from './posture/use-desk.ts';

function Banner({ ipc }: { ipc: Client<Ipc> }) {
  const { view } = useDesk(ipc, useNow(false));
  const locale = view?.locale.inUse ?? 'en';
  const { ui } = textsFor(locale);
  const lines = bannerLines(view);
  // Chinese sentences end with a sign that has its own room.
  const between = locale.startsWith('zh') ? '' : ' ';

  useEffect(() => {
    document.documentElement.lang = locale;
    document.title = textsFor(locale).ui('app.title');
  }, [locale]);

  return (
    <main className="banner">
      <Sign shape="care" />
      <div role="status">
        {lines.length > 0 ? <h1>{lines.map((line) => ui(line)).join(between)}</h1> : <h1 className="sr">{ui('app.title')}</h1>}
      </div>
      {lines.length > 0 && (
        <button type="button" onClick={() => void ipc.openPosture(undefined)}>
          {ui('ccp.why')}
        </button>
      )}
    </main>
  );
}

const root = document.getElementById('root');
if (root) {
  createRoot(root).render(
    <StrictMode>
      <Banner ipc={connect(window.deskwarden)} />
    </StrictMode>,
  );
}
