import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { keyCalls } from '../../../fleet/crypto/key-calls.ts';
import type { KeyProvider } from '../../../fleet/crypto/key-provider.ts';
import { type KeyUse, SERVICE } from '../../../fleet/crypto/key-use.ts';
import { scriptedKeyProvider } from './scripted-key-provider.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function callsOf(provider: KeyProvider) {
  const uses: KeyUse[] = [];
  const owner = { tenant: randomUUID(), instance: randomUUID() };
  const record = async (use: KeyUse) => void uses.push(use);
  const clock = () => new Date('2026-03-01T10:00:00.999Z');
  return { uses, calls: keyCalls({ provider, clock, owner, region: 'eu-central-1', by: SERVICE, record }) };
}

it('gives up a provider that does not answer after five seconds, tells it so, and records it', async () => {
  let told = false;
  const silent: KeyProvider = {
    ...scriptedKeyProvider(),
    decrypt: (_, signal) => {
      signal.addEventListener('abort', () => {
        told = true;
      });
      return new Promise(() => undefined);
    },
  };
  const { calls, uses } = callsOf(silent);
  const outcome = calls.decrypt('k1', Buffer.from('x')).catch((error: unknown) => error);
  await vi.advanceTimersByTimeAsync(4_999);
  expect([uses.length, told]).toEqual([0, false]);
  await vi.advanceTimersByTimeAsync(1);
  expect(await outcome).toMatchObject({ code: 'unreachable', keyId: 'k1' });
  expect([uses, told]).toMatchObject([[{ eventName: 'Decrypt', errorCode: 'Unreachable', eventTime: '2026-03-01T10:00:00Z' }], true]);
});

it('wipes a data key that comes too late', async () => {
  const provider = scriptedKeyProvider();
  provider.script({ keyId: 'k1', managedBy: 'provider' });
  const slow: KeyProvider = {
    ...provider,
    async generateDataKey(request, signal) {
      await new Promise((resolve) => setTimeout(resolve, 6_000));
      return provider.generateDataKey(request, signal);
    },
  };
  const outcome = callsOf(slow)
    .calls.generateDataKey('k1')
    .catch((error: unknown) => error);
  await vi.advanceTimersByTimeAsync(6_000);
  expect(await outcome).toMatchObject({ code: 'unreachable' });
  expect(provider.handedOut).toEqual([Buffer.alloc(32)]);
});

it('answers no call before its record is kept, and none whose record could not be kept', async () => {
  const provider = scriptedKeyProvider();
  provider.script({ keyId: 'k1', managedBy: 'provider' });
  const owner = { tenant: randomUUID(), instance: randomUUID() };
  const record = () => Promise.reject(new Error('no room for records'));
  const calls = keyCalls({ provider, clock: () => new Date(), owner, region: 'eu-central-1', by: SERVICE, record });
  await expect(calls.generateDataKey('k1')).rejects.toThrow('no room for records');
  expect(provider.handedOut).toEqual([Buffer.alloc(32)]);
});

it("records a provider's own fault without its words, which may hold anything", async () => {
  const { calls, uses } = callsOf({ ...scriptedKeyProvider(), describeKey: () => Promise.reject(new Error('marker-of-a-value')) });
  await expect(calls.describeKey('k1')).rejects.toThrow('marker-of-a-value');
  expect(uses).toMatchObject([{ eventName: 'DescribeKey', errorCode: 'InternalFailure' }]);
  expect(JSON.stringify(uses)).not.toContain('marker-of-a-value');
});

it('records hold neither a data key in plain nor a wrapped one', async () => {
  const provider = scriptedKeyProvider();
  for (const keyId of ['k1', 'k2']) provider.script({ keyId, managedBy: 'provider' });
  const { calls, uses } = callsOf(provider);
  const { wrapped } = await calls.generateDataKey('k1');
  await calls.decrypt('k1', wrapped);
  await calls.reEncrypt(wrapped, 'k1', 'k2');
  const text = JSON.stringify(uses);
  for (const secret of [wrapped, ...provider.handedOut]) {
    for (const form of ['base64', 'hex', 'base64url'] as const) expect(text).not.toContain(secret.toString(form));
  }
  expect(uses).toHaveLength(3);
});
