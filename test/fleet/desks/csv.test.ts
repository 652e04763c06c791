import { describe, expect, it } from 'vitest';
import { csvLine } from '../../../fleet/desks/csv.ts';

describe('cells of an export', () => {
  it.each([
    ['plain', 'plain'],
    ['', ''],
    ['5', '5'],
    ['a "quoted" one', 'a ""quoted"" one'],
    ['one, two', 'one, two'],
    ['two\r\nlines', 'two\r\nlines'],
    ['=HYPERLINK("https://evil.example.com")', '\'=HYPERLINK(""https://evil.example.com"")'],
    ['+1', "'+1"],
    ['-2+3', "'-2+3"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['\t=1', "'\t=1"],
    ['\r=1', "'\r=1"],
    ['\n=1', "'\n=1"],
    ['  =1', "'  =1"],
    ['＝1', "'＝1"],
    ['a=1', 'a=1'],
  ])('writes %j as text', (text, written) => {
    expect(csvLine([text, 'next'])).toBe(`"${written}","next"\r\n`);
  });
});
