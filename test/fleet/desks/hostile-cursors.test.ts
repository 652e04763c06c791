import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWithDatabase } from '../describe-with-database.ts';
import { type RunningServer, runServer } from '../running-server.ts';
import { type Person, signInAsAdmin } from '../signed-in.ts';

// What the database would refuse as text or time, by those routes that ask it with a caller's own.
describeWithDatabase('text and times that PostgreSQL does not know', () => {
  let server: RunningServer;
  let admin: Person;
  beforeAll(async () => {
    server = await runServer();
    admin = await signInAsAdmin(server);
  });
  afterAll(() => server.close());

  const cursor = (place: unknown) => Buffer.from(JSON.stringify(place)).toString('base64url');
  const policy = () => `/api/v1/instances/${server.instance}/policies`;

  it('are refused as what they are', async () => {
    const { instance } = server;
    const paths = [
      '/api/v1/audit?actor=%00',
      '/api/v1/audit?action=%00',
      '/api/v1/audit?targetType=%00&targetId=x',
      '/api/v1/audit?targetType=x&targetId=%00',
      '/api/v1/policies/%00/changes',
      '/api/v1/sign-in/oidc/callback?state=%00',
      `${policy()}?after=%00`,
      `/api/v1/desks?after=${cursor([1, '0000-01-01T00:00:00.000Z', instance])}`,
      `/api/v1/waivers?after=1_${'-'.repeat(36)}`,
      `/api/v1/group-releases?after=1_${'-'.repeat(36)}`,
    ];
    const found: [string, number][] = [];
    for (const path of paths) found.push([path, (await admin.ask({ path })).status]);
    expect(found).toEqual(paths.map((path) => [path, 400]));
    const source = (tail: string) => `schema: 1\nid: floor\ninstance: { alias: acme, region: us-west-2 }\n${tail}`;
    for (const tail of ['# \0\n', '# \ud800\n']) {
      expect((await admin.ask({ method: 'PUT', path: `${policy()}/floor`, body: { source: source(tail) } })).status).toBe(400);
    }
    expect((await admin.ask({ method: 'PUT', path: `${policy()}/floor`, body: { source: source('') } })).status).toBe(200);
    expect(server.events.filter(({ event }) => event === 'fault')).toEqual([]);
  });
});
