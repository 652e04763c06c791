import { expect, it } from 'vitest';
import { checkAsk, requestAsk } from '../../../../main/windows/permission-asks.ts';

const CCP = 'https://acme.my.connect.aws';

it('a request is the frame’s whose origin Electron names, in the page of its window', () => {
  const details = { isMainFrame: false, requestingUrl: `${CCP}/frame`, securityOrigin: 'https://evil.example/', mediaTypes: ['audio'] };
  const ask = { permission: 'media', from: 'https://evil.example/', embeddedIn: `${CCP}/`, isMainFrame: false, media: ['audio'] };
  expect(requestAsk('media', `${CCP}/`, details)).toEqual(ask);
  const plain = { isMainFrame: true, requestingUrl: `${CCP}/frame` };
  expect(requestAsk('hid', `${CCP}/`, plain)).toMatchObject({ from: `${CCP}/frame`, media: [] });
});

it('a check is of the page that Electron names, else of its window’s, else of none', () => {
  const asked = (embeddedIn: string | null, more: { mediaType?: string; embeddingOrigin?: string } = {}) =>
    checkAsk('media', CCP, embeddedIn, { isMainFrame: true, ...more });
  expect(asked(`${CCP}/x`, { embeddingOrigin: 'https://evil.example' }).embeddedIn).toBe(`${CCP}/x`);
  expect(asked(null, { embeddingOrigin: 'https://evil.example' }).embeddedIn).toBe('https://evil.example');
  expect(asked(null).embeddedIn).toBeNull();
  expect(asked(null, { mediaType: 'audio' }).media).toEqual(['audio']);
  expect([asked(null).media, asked(null, { mediaType: 'unknown' }).media]).toEqual([[], []]);
});
