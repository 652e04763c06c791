import { UsageFault } from './command.ts';

const units: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

/** `90s`, `30m`, `8h`, `3d`. */
export function seconds(text: string): number {
  const [, amount = '', unit = ''] = /^(\d{1,7})([smhd])$/.exec(text) ?? [];
  const factor = units[unit];
  if (factor === undefined) throw new UsageFault(`"${text}" is no duration: expected such as 30m, 8h or 3d`);
  return Number(amount) * factor;
}

/** How long ago, in one unit: what somebody who looks at a list wants to know. */
export function ago(from: Date, now: Date): string {
  const past = Math.max(0, Math.round((now.getTime() - from.getTime()) / 1_000));
  for (const [unit, factor] of [
    ['d', 86_400],
    ['h', 3_600],
    ['m', 60],
  ] as const) {
    if (past >= factor) return `${Math.floor(past / factor)} ${unit}`;
  }
  return `${past} s`;
}
