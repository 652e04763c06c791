/** Relative links of a Markdown page, without those in code. */
export function linksOf(markdown: string): string[] {
  const links = [...withoutCode(markdown).matchAll(/\]\(<?([^)>\s]+)>?(?: "[^"]*")?\)/g)].map((match) => match[1] ?? '');
  return links.filter((link) => link !== '' && !/^[a-z][a-z0-9+.-]*:/i.test(link));
}

/** The anchors that GitHub gives the headings of a page. */
export function anchorsOf(markdown: string): Set<string> {
  const headings = [...withoutCode(markdown, 'blocks').matchAll(/^#{1,6} +(.+?)\s*$/gm)].map((match) => anchorOf(match[1] ?? ''));
  const seen = new Map<string, number>();
  return new Set(
    headings.map((anchor) => {
      const before = seen.get(anchor) ?? 0;
      seen.set(anchor, before + 1);
      return before === 0 ? anchor : `${anchor}-${before}`;
    }),
  );
}

export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/\s/g, '-');
}

function withoutCode(markdown: string, what: 'all' | 'blocks' = 'all'): string {
  const text = markdown.replace(/^(```+)[^\n]*\n[\s\S]*?^\1 *$/gm, '');
  return what === 'blocks' ? text : text.replace(/`[^`\n]*`/g, '');
}
