import { expect, it } from 'vitest';
import { placeOfHash } from '../../../renderer/posture/model/place.ts';

it.each([
  ['#about', { name: 'about', check: null }],
  ['#leaves', { name: 'leaves', check: null }],
  ['#check/network.turn-udp', { name: 'now', check: 'network.turn-udp' }],
])('%s leads somewhere', (hash, place) => {
  expect(placeOfHash(hash)).toEqual(place);
});

it.each(['', '#', '#elsewhere', '#check/', '#check/no domain', '#check/network.dns"]', '#toString'])('%j leads nowhere', (hash) => {
  expect(placeOfHash(hash)).toBeNull();
});
