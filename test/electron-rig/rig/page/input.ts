/** What a person does to the page, by the names of Electron's `input-event`; moving the mouse is left out. */
export function inputInPage(tell: (message: object) => void): void {
  const types: Record<string, string> = {
    mousedown: 'mouseDown',
    mouseup: 'mouseUp',
    wheel: 'mouseWheel',
    contextmenu: 'contextMenu',
    keydown: 'rawKeyDown',
    keyup: 'keyUp',
    touchstart: 'touchStart',
    touchend: 'touchEnd',
  };
  for (const [name, type] of Object.entries(types)) {
    // Scripts can make events of their own: those are not trusted.
    window.addEventListener(name, ({ isTrusted }) => isTrusted && tell({ kind: 'input', type }), { capture: true, passive: true });
  }
}
