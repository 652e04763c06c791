/** How often each was there: `killed 3, stopped 1`. */
export function tally(names: readonly string[]): string {
  return [...new Set(names)].map((name) => `${name} ${names.filter((one) => one === name).length}`).join(', ');
}
