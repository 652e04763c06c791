import { decode, encode } from '../codec.ts';
import { asksApp } from './ask-app.ts';
import { asksBeforeOpening, asksBeforeSocket, closesItself } from './asks.ts';
import { bridgeInPage, bridgeInPreload, mapValues } from './bridge.ts';
import { preloadWorld } from './electron-in-preload.ts';
import { hidInPage } from './hid.ts';
import { identityInPage } from './identity.ts';
import { inputInPage } from './input.ts';
import { linksOpenedElsewhere } from './links.ts';
import { mediaInPage } from './media.ts';
import { permissionsInPage } from './permissions.ts';
import { teller } from './teller.ts';
import { titleInPage } from './title.ts';

/* Functions are sent to the browser as text, so each stands alone: what it needs comes as an argument. */

const secret = Math.random().toString(36).slice(2);
/** Prefix of the events between the two worlds of a page. */
export const channel = `electron-rig-${secret}-`;
/** The function whose call stops the page until the main process has answered (contents/questions.ts). */
export const askName = `electronRigAsk${secret}`;
/** Of a window that has run `pageSource`: called, it looks for its binding again, and says `heard` or `mute`. */
export const markName = `electronRigMark${secret}`;
/** World of the preload script, named as Electron names it. */
export const preloadWorldName = 'Electron Isolated Context';
export const sayBinding = 'electronRigSay';
export const ipcBinding = 'electronRigIpc';
export const receiveName = 'electronRigReceive';

const ask = `(() => {
  function ${askName}(question) { debugger; return question.answer; }
  return (kind, data) => ${askName}({ kind, data, answer: undefined });
})()`;

/** Runs in the page's own world before any script of the page. */
export function pageSource(): string {
  const name = JSON.stringify(channel);
  return `(() => {
    const tell = (${teller})(${JSON.stringify(sayBinding)}, ${JSON.stringify(markName)});
    const ask = ${ask};
    const askApp = (${asksApp})(${name}, tell);
    const mapValues = ${mapValues};
    (${bridgeInPage})(${name}, mapValues);
    (${permissionsInPage})(askApp);
    (${hidInPage})(askApp);
    (${mediaInPage})(tell);
    (${asksBeforeOpening})(ask, askApp);
    (${closesItself})(tell);
    (${linksOpenedElsewhere})(tell);
    (${asksBeforeSocket})(ask, () => document.baseURI);
    (${inputInPage})(tell);
    (${titleInPage})(tell);
    (${identityInPage})();
  })()`;
}

/** Evaluated in a worker that has not begun yet. */
export function workerSource(): string {
  return `(() => { const ask = ${ask}; (${asksBeforeSocket})(ask, () => location.href); })()`;
}

/** Runs in the isolated world of each page's top frame: Electron's half, then the app's preload script. */
export function preloadSource(processFacts: unknown, script: string): string {
  return `(() => {
    const mapValues = ${mapValues};
    const bridge = (${bridgeInPreload})(${JSON.stringify(channel)}, mapValues);
    (${preloadWorld})({
      bridge,
      encode: ${encode},
      decode: ${decode},
      ipcBinding: ${JSON.stringify(ipcBinding)},
      receiveName: ${JSON.stringify(receiveName)},
      processFacts: ${JSON.stringify(processFacts)},
    }, function (require, module, exports, process) {${script}
});
  })()`;
}
