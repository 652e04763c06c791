import { CheckId } from '../../../contracts/finding.ts';

export const viewNames = ['now', 'quality', 'today', 'leaves', 'about'] as const;
export type ViewName = (typeof viewNames)[number];

/** Where in the window somebody is led. */
export interface Place {
  name: ViewName;
  /** What is to be seen there first. */
  check: CheckId | null;
}

/** `posture.html#about` and `posture.html#check/network.dns`: the tray's menu and links of ours lead to parts of the window. */
export function placeOfHash(hash: string): Place | null {
  const asked = hash.slice(1);
  const name = viewNames.find((one) => one === asked);
  if (name !== undefined) return { name, check: null };
  const check = CheckId.safeParse(asked.startsWith('check/') ? asked.slice('check/'.length) : null);
  return check.success ? { name: 'now', check: check.data } : null;
}
