const numbers = new Set(['x', 'y', 'left', 'top', 'width', 'height', 'minWidth', 'maxWidth', 'minHeight', 'maxHeight', 'opacity']);
/** Of these the page's own hold, whatever it asks for. */
const webPreferences = new Set(['zoomFactor', 'nodeIntegration', 'javascript', 'contextIsolation', 'webviewTag']);
const words: Readonly<Record<string, boolean>> = { true: true, 1: true, yes: true, false: false, 0: false, no: false };

/** Options of the window that the third argument of `window.open` asks for: any of them, where Electron has a list (README). */
export function optionsOfFeatures(features: string): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  for (const feature of features.split(',')) {
    const [key = '', value] = feature.split('=').map((text) => text.trim());
    if (key === '' || webPreferences.has(key)) continue;
    const name = key === 'left' ? 'x' : key === 'top' ? 'y' : key;
    if (numbers.has(key)) options[name] = Number.parseInt(value ?? '', 10);
    else options[name] = value === undefined ? true : (words[value] ?? value);
  }
  return options;
}
