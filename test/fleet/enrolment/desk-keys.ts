import { newDeviceKey, newSigningRequest } from '../../../agent/fleet-link/device-key.ts';

export interface DeskKey {
  key: string;
  csr: string;
}

/** Making an RSA key takes as long as all else in a test: a file makes as many as it needs at once, and has them made together. */
export function deskKeys(count: number): Promise<DeskKey[]> {
  return Promise.all(
    Array.from({ length: count }, async () => {
      const key = await newDeviceKey();
      return { key, csr: await newSigningRequest(key) };
    }),
  );
}

export function enrolBody(secret: string, { csr }: DeskKey, hostName = 'desk-1.example.com') {
  return { schema: 1, secret, csr, hostName, agent: { version: '0.1.0', platform: 'linux' } };
}
