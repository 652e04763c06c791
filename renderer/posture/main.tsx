import '../style/tokens.css';
import '../style/base.css';
import '../style/posture.css';
import '../style/posture-now.css';
import '../style/posture-views.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { connect } from '../ipc.ts';
import { App } from './app.tsx';

const root = document.getElementById('root');
if (root) {
  createRoot(root).render(
    <StrictMode>
      <App ipc={connect(window.deskwarden)} />
    </StrictMode>,
  );
}
