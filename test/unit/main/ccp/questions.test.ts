import { describe, expect, it } from 'vitest';
import { textsFor } from '../../../../checks/texts/lookup.ts';
import { crashQuestion, quitQuestion } from '../../../../main/ccp/questions.ts';

const locales = ['en', 'zh-TW', 'zh-CN', 'ko'] as const;

describe.each(locales)('in %s', (locale) => {
  const texts = textsFor(locale);

  it('ends a call only by the button that says so, neither by Enter nor by Escape', () => {
    const { box, accepts } = quitQuestion(texts);
    expect(box.buttons[accepts]).toBe(texts.ui('ccp.quit.end'));
    expect([box.defaultId, box.cancelId]).not.toContain(accepts);
  });

  it('opens a panel that ended by Enter, and leaves it closed by Escape', () => {
    const { box, accepts } = crashQuestion(texts);
    expect(box.buttons[accepts]).toBe(texts.ui('ccp.crash.open'));
    expect(box).toMatchObject({ defaultId: accepts, cancelId: box.buttons.indexOf(texts.ui('ccp.crash.leave')) });
  });
});
