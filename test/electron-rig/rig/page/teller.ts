/** The way out of the page. Where its binding comes after the script, what was said waits for it. */
export function teller(binding: string, mark: string): (message: object) => void {
  let say: ((text: string) => void) | null = null;
  const waiting: string[] = [];
  const look = () => {
    const found: unknown = Reflect.get(globalThis, binding);
    if (say === null && typeof found === 'function') say = found as (text: string) => void;
    Reflect.deleteProperty(globalThis, binding);
    if (say === null) return 'mute';
    for (const text of waiting.splice(0)) say(text);
    return 'heard';
  };
  Object.defineProperty(globalThis, mark, { value: look, configurable: true });
  look();
  return (message) => {
    waiting.push(JSON.stringify(message));
    look();
  };
}
