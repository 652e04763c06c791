export interface EvidenceRow {
  path: string;
  value: string;
}

/** Enough for every check's evidence as it is meant; a whole plan of endpoints is longer. */
const MAX_ROWS = 60;
const MAX_VALUE = 300;

/** The leaves of a piece of evidence. Lists of plain values stay together. */
export function evidenceRows(evidence: unknown): { rows: EvidenceRow[]; left: number } {
  const rows: EvidenceRow[] = [];
  let left = 0;
  const add = (path: string, value: string) => {
    if (rows.length >= MAX_ROWS) left += 1;
    else rows.push({ path, value: value.length > MAX_VALUE ? `${value.slice(0, MAX_VALUE)}…` : value });
  };
  const walk = (value: unknown, path: string) => {
    if (typeof value !== 'object' || value === null) return add(path, plain(value));
    const isPlainList = Array.isArray(value) && value.every((item) => typeof item !== 'object' || item === null);
    if (isPlainList) return add(path, value.length === 0 ? '–' : value.map(plain).join(', '));
    for (const [key, inner] of Object.entries(value)) walk(inner, path === '' ? key : `${path}.${key}`);
  };
  if (evidence !== undefined && evidence !== null) walk(evidence, '');
  return { rows, left };
}

function plain(value: unknown): string {
  return value === null || value === undefined ? '–' : String(value);
}
