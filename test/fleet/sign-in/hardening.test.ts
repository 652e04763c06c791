import { afterAll, beforeAll, expect, it } from 'vitest';
import { nobodyIn } from '../../../fleet/access/actor.ts';
import { demandFreshMfa } from '../../../fleet/access/step-up.ts';
import type { Db } from '../../../fleet/db/tenancy.ts';
import { FleetFault } from '../../../fleet/http/fault.ts';
import { shownAt } from '../../../fleet/sign-in/oidc-claims.ts';
import { oidcRoutes } from '../../../fleet/sign-in/oidc-routes.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { CONSOLE, openStage, PASSWORD, type Stage } from './stage.ts';

describeWithDatabase('one-time links of one account', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage();
  });
  afterAll(() => stage.close());

  it('end with the first of them that is used, so that none takes the account over again', async () => {
    const [first, second, other] = [await stage.link('vera'), await stage.link('vera'), await stage.link('walt')];
    const use = async (token: string) => (await stage.post('/api/v1/sign-in/link', { token, password: PASSWORD })).status;
    expect(await use(second)).toBe(200);
    expect(await use(first)).toBe(401);
    expect(await use(other)).toBe(200);
    expect(await use(await stage.link('vera'))).toBe(200);
  });
});

it('a second factor is not fresh where the provider does not say when it was shown', () => {
  const now = new Date('2026-03-01T10:00:00Z');
  const withClaims = (claims: Record<string, unknown>) => ({ ...nobodyIn(''), mfaRequired: true, mfaAt: shownAt(claims, now) });
  expect(() => demandFreshMfa(withClaims({ amr: ['mfa'] }), now)).toThrow(FleetFault);
  expect(() => demandFreshMfa(withClaims({ amr: ['mfa'], auth_time: now.getTime() / 1000 - 60 }), now)).not.toThrow();
});

it('whoever begins sign-ins or comes back from none is counted before anything is stored or looked up', async () => {
  const counted: unknown[] = [];
  const untouched = () => Promise.reject(new Error('the database was asked'));
  const routes = oidcRoutes({
    db: { within: untouched, tenants: untouched } as unknown as Db,
    keyring: { key: untouched, open: untouched, index: untouched },
    consoleOrigin: CONSOLE,
    providers: { authorizationUrl: untouched, claims: untouched },
    settingsOf: untouched,
    abuse: {
      count: async (limit, subject) => {
        counted.push([limit, subject]);
        throw new FleetFault('slow-down', 'too many calls');
      },
    },
  });
  const call = { query: {}, now: new Date(), source: { address: '192.0.2.7', userAgent: '' }, headers: {} };
  for (const route of routes) await expect(route.handle(call)).rejects.toMatchObject({ code: 'slow-down' });
  expect(counted).toEqual(Array(routes.length).fill(['anonymous', { address: '192.0.2.7' }]));
});
