/** Asks the app, which answers later: contents/answer-page.ts. */
export function asksApp(channel: string, tell: (message: object) => void): (question: object) => Promise<unknown> {
  const waiting = new Map<number, (answer: unknown) => void>();
  window.addEventListener(`${channel}answer`, (event) => {
    const { id, answer } = (event as CustomEvent<{ id: number; answer: unknown }>).detail;
    waiting.get(id)?.(answer);
    waiting.delete(id);
  });
  let asked = 0;
  return (question) =>
    new Promise((resolve) => {
      asked += 1;
      waiting.set(asked, resolve);
      tell({ ...question, id: asked, url: location.href });
    });
}
