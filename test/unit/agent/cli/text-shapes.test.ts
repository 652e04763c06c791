import fc from 'fast-check';
import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import { cleanText, safeJson } from '../../../../agent/cli/clean-text.ts';
import { liveLines, noState, tell } from '../../../../agent/cli/live-view.ts';
import { truncate, wrap } from '../../../../agent/cli/wrap.ts';
import { nearest } from '../../../../checks/nearest.ts';
import { Progress } from '../../../../contracts/progress.ts';
import { blockedRun, sampleTextsIn } from './sample-run.ts';

describe('wrap', () => {
  it.each<[string, string, number, string[]]>([
    ['at spaces', 'aa bb cc', 5, ['aa bb', 'cc']],
    ['nothing', '', 5, ['']],
    ['words that are too long', 'abcdefgh ij', 5, ['abcde', 'fgh', 'ij']],
    ['Chinese anywhere', '這台工作站無法接聽', 10, ['這台工作站', '無法接聽']],
    ['Chinese without a full stop at the start of a line', '這台工作站。好', 10, ['這台工作', '站。好']],
    ['Chinese without a bracket at the end of a line', '這台工（作站）', 8, ['這台工', '（作站）']],
    ['Latin within Chinese', '請允許 AMAZON_CONNECT 位址', 15, ['請允許', 'AMAZON_CONNECT', '位址']],
    ['Korean at spaces only', '통화를 받을 수 있습니다', 12, ['통화를 받을', '수 있습니다']],
    ['a family as one', '👩‍👩‍👧‍👦👩‍👩‍👧‍👦', 3, ['👩‍👩‍👧‍👦', '👩‍👩‍👧‍👦']],
  ])('breaks %s', (_, text, width, lines) => expect(wrap(text, width)).toEqual(lines));

  it('keeps every character and every limit', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('a', 'B', ' ', '好', '。', '（', '한', '-', '.') }),
        fc.integer({ min: 2, max: 20 }),
        (text, width) => {
          const lines = wrap(text, width);
          expect(lines.join('').replace(/\s/g, '')).toBe(text.replace(/\s/g, ''));
          expect(lines.every((line) => stringWidth(line) <= width)).toBe(true);
        },
      ),
    );
  });

  it('truncates by columns', () => {
    expect(truncate('工作站名稱', 7, '…')).toBe('工作站…');
    expect(truncate('short', 7, '…')).toBe('short');
  });
});

describe('cleanText', () => {
  it.each([
    ['\u001b[31mred\u001b[0m', 'red'],
    ['\u009b31mred', 'red'],
    ['\u001b]8;;http://evil\u0007link\u001b]8;;\u001b\\', 'link'],
    ['\u001b]0;title with no end', ''],
    ['\u001bc reset', 'reset'],
    ['a\r\nb\tc', 'a b c'],
    ['abc\u202edef\u2066', 'abcdef'],
    ['nul\u0000 del\u007f c1\u0085x', 'nul del c1 x'],
    ['half \ud800', 'half \ufffd'],
    ['中文 한국어 👍', '中文 한국어 👍'],
  ])('%j -> %j', (text, clean) => expect(cleanText(text)).toBe(clean));

  it('leaves nothing that a terminal obeys', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/u.exec(cleanText(text))).toBeNull();
      }),
    );
  });

  it('safeJson escapes and parses back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const json = safeJson({ text });
        expect(JSON.parse(json)).toEqual({ text });
        expect(/[\p{Cc}\u2028-\u202e]/u.exec(json)).toBeNull();
      }),
    );
  });
});

describe('nearest', () => {
  const words = ['check', 'explain', 'policy', 'network.turn-udp'];
  it.each([
    ['chekc', 'check'],
    ['CHECK', 'check'],
    ['turn-udp', 'network.turn-udp'],
    ['polcy', 'policy'],
    ['zzzzzz', null],
    ['', null],
  ])('%s -> %s', (word, near) => expect(nearest(word, words)).toBe(near));
});

describe('liveLines', () => {
  const events = [
    { kind: 'started', rules: blockedRun.findings.map(({ rule, check }) => ({ rule, check })), notRun: [] },
    ...Array.from({ length: 30 }, (_, n) => ({
      kind: 'endpoint',
      endpoint: `host-number-${n}-with-a-long-name.elb.us-west-2.amazonaws.com:3478/udp`,
      step: 'udp',
      state: n === 29 ? 'failed' : 'ok',
      detail: n === 29 ? 'timed-out\u001b[2J' : '12 ms',
    })),
    ...blockedRun.findings.slice(0, 4).map((finding) => ({ kind: 'finding', round: 0, finding })),
  ].map((event) => Progress.parse(event));
  const state = events.reduce(tell, noState);

  it.each([
    [80, 24],
    [40, 10],
    [30, 5],
    [200, 60],
  ])('fits a window of %i by %i, what failed first', (columns, rows) => {
    const lines = liveLines(state, sampleTextsIn('zh-TW'), { columns, rows, color: false, unicode: true });
    expect(lines.length).toBeLessThan(rows);
    expect(lines.filter((line) => stringWidth(line) >= columns)).toEqual([]);
    expect(lines.join('')).not.toContain('\u001b');
    if (rows > 5) expect(lines.join('\n')).toContain('host-number-29');
  });

  it('shows where the run is', () => {
    const lines = liveLines(state, sampleTextsIn('en'), { columns: 80, rows: 16, color: false, unicode: false });
    expect(lines.join('\n')).toMatchInlineSnapshot(`
      " Checking this desk  4 of 11 checks
       +  host-number-0-with-a-long-name.elb.us-wes~:3478  sending media packets: 12~
       +  host-number-1-with-a-long-name.elb.us-wes~:3478  sending media packets: 12~
       +  host-number-2-with-a-long-name.elb.us-wes~:3478  sending media packets: 12~
       +  host-number-3-with-a-long-name.elb.us-wes~:3478  sending media packets: 12~
       x  host-number-29-with-a-long-name.elb.us-we~:3478  sending media packets: ti~
          and 25 more

       x  Call audio path (UDP 3478)   checking again to be sure
       ?  Call audio quality           checking again to be sure
       x  Encryption unbroken to AWS   checking again to be sure
       ?  Live connection (WebSocket)  checking again to be sure
       o  Allowlist up to date         waiting
       o  Names resolve                waiting
          and 5 more"
    `);
  });
});
