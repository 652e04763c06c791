/**
 * A link that a person opens elsewhere, with Ctrl, Shift or the middle button: Chromium would load it in a page that nobody is asked
 * for. Electron asks the app, and makes a window of its own for it.
 */
export function linksOpenedElsewhere(tell: (message: object) => void): void {
  const dispositionOf = ({ button, ctrlKey, metaKey, shiftKey }: MouseEvent) => {
    if (button === 1 || ctrlKey || metaKey) return shiftKey ? 'foreground-tab' : 'background-tab';
    return shiftKey ? 'new-window' : null;
  };
  const linkOf = (event: Event) =>
    event.composedPath().find((one) => (one instanceof HTMLAnchorElement || one instanceof HTMLAreaElement) && one.href !== '');
  for (const type of ['click', 'auxclick'] as const) {
    window.addEventListener(
      type,
      (event) => {
        const disposition = dispositionOf(event);
        const link = linkOf(event);
        if (!event.isTrusted || event.button > 1 || disposition === null || !link) return;
        // Added now, it comes after the page's own listeners.
        const last = () => {
          if (event.defaultPrevented) return;
          event.preventDefault();
          tell({ kind: 'link', url: Reflect.get(link, 'href'), disposition });
        };
        window.addEventListener(type, last, { once: true });
        // The page has stopped it on its way: then Chromium goes its own.
        setTimeout(() => window.removeEventListener(type, last));
      },
      true,
    );
  }
}
