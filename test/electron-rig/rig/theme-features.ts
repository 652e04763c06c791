let source: 'system' | 'light' | 'dark' = 'system';

export function themeSource(): typeof source {
  return source;
}

export function setThemeSource(next: typeof source): void {
  source = next;
}

/** What pages see of the theme; `system` leaves them what the browser has. */
export function themeFeatures(): { name: string; value: string }[] {
  return source === 'system' ? [] : [{ name: 'prefers-color-scheme', value: source }];
}
