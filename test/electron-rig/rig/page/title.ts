/** The browser tells of a new title only with a navigation. */
export function titleInPage(tell: (message: object) => void): void {
  if (window.top !== window) return;
  let before = '';
  const look = () => {
    if (document.title === before) return;
    before = document.title;
    tell({ kind: 'title' });
  };
  const observer = new MutationObserver(look);
  document.addEventListener('DOMContentLoaded', () => {
    before = document.title;
    observer.observe(document.head ?? document, { childList: true, subtree: true, characterData: true });
  });
}
