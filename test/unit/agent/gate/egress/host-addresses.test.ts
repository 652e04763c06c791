import { expect, it } from 'vitest';
import { createHostAddresses } from '../../../../../agent/gate/egress/host-addresses.ts';
import { fakeClock } from '../../../../fakes/fake-clock.ts';

const host = 'acme.my.connect.aws';

function staged() {
  const clock = fakeClock();
  const answers: (() => Promise<string[]>)[] = [];
  const asked: string[] = [];
  const addresses = createHostAddresses({
    clock,
    resolve: (name) => {
      asked.push(name);
      const answer = answers.shift();
      if (!answer) throw new Error(`not scripted: ${name}`);
      return answer();
    },
  });
  return { clock, answers, asked, addresses };
}

it('asks once a minute, and keeps what a host had in the last hour', async () => {
  const { clock, answers, asked, addresses } = staged();
  answers.push(async () => ['15.193.7.1', 'no address', '2600:f0f2:7100::1']);
  expect(await addresses.refresh([host])).toBe(true);
  clock.advance(59_000);
  expect(await addresses.refresh([host])).toBe(false);
  clock.advance(1_000);
  answers.push(async () => ['15.193.7.2']);
  await addresses.refresh([host]);
  expect(addresses.of(host)).toEqual(['15.193.7.1', '2600:f0f2:7100::1', '15.193.7.2']);
  clock.advance(59 * 60_000 + 1);
  answers.push(async () => ['15.193.7.3']);
  await addresses.refresh([host]);
  expect(addresses.of(host)).toEqual(['15.193.7.2', '15.193.7.3']);
  expect(asked).toHaveLength(3);
});

it('loses nothing to a name server that fails, answers nothing, or answers never', async () => {
  const { clock, answers, addresses } = staged();
  answers.push(async () => ['15.193.7.1']);
  await addresses.refresh([host]);
  const failures = [() => Promise.reject(new Error('SERVFAIL')), async () => [], () => new Promise<string[]>(() => {})];
  for (const failure of failures) {
    clock.advance(24 * 60 * 60_000);
    answers.push(failure);
    const startedMs = performance.now();
    expect(await addresses.refresh([host])).toBe(true);
    expect(performance.now() - startedMs).toBeLessThan(5_000);
    expect(addresses.of(host)).toEqual(['15.193.7.1']);
  }
});

it('asks sooner for a host without an address, and forgets a host that is no longer one', async () => {
  const { clock, answers, asked, addresses } = staged();
  answers.push(
    async () => {
      throw new Error('SERVFAIL');
    },
    async () => ['15.193.7.2'],
  );
  await addresses.refresh([host, 'b.example.com']);
  expect(addresses.isNowhere(host)).toBe(false);
  clock.advance(15_000);
  answers.push(
    async () => ['15.193.7.1'],
    async () => ['15.193.7.2'],
  );
  await addresses.refresh([host, 'b.example.com']);
  clock.advance(15_000);
  expect(await addresses.refresh([host, 'b.example.com'])).toBe(false);
  await addresses.refresh([host]);
  expect(addresses.of('b.example.com')).toEqual([]);
  expect(asked).toHaveLength(4);
});

it('a name that does not exist is not asked for sooner, and is told as such until it exists', async () => {
  const { clock, answers, addresses } = staged();
  answers.push(async () => []);
  await addresses.refresh([host]);
  expect(addresses.isNowhere(host)).toBe(true);
  clock.advance(15_000);
  expect(await addresses.refresh([host])).toBe(false);
  clock.advance(45_000);
  answers.push(async () => ['15.193.7.1']);
  await addresses.refresh([host]);
  expect([addresses.isNowhere(host), addresses.of(host)]).toEqual([false, ['15.193.7.1']]);
});

it('keeps the latest of a host that answers with ever new addresses', async () => {
  const { clock, answers, addresses } = staged();
  for (let minute = 0; minute < 10; minute++) {
    answers.push(async () => Array.from({ length: 16 }, (_, i) => `15.193.${minute}.${i}`));
    await addresses.refresh([host]);
    clock.advance(60_000);
  }
  expect(addresses.of(host)).toHaveLength(64);
  expect(addresses.of(host)[0]).toBe('15.193.6.0');
});
