import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWithDatabase } from '../describe-with-database.ts';
import { type RunningServer, runServer } from '../running-server.ts';

interface Described {
  paths: Record<string, Record<string, { responses: Record<string, { content?: Record<string, { schema: unknown }> }> }>>;
}

describeWithDatabase('the description of the API', () => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await runServer();
  });
  afterAll(() => server.close());

  it('says of each call what type its answer is of', async () => {
    const { paths } = (await server.console({ path: '/api/openapi.json' })).body as Described;
    const calls = Object.entries(paths).flatMap(([path, methods]) => Object.values(methods).map((call) => [path, call] as const));
    expect(calls.length).toBeGreaterThan(50);
    const notJson = calls.flatMap(([path, { responses }]) =>
      Object.values(responses).flatMap(({ content = {} }) => (Object.keys(content).includes('application/json') ? [] : [[path, content]])),
    );
    expect(notJson.filter(([, content]) => Object.keys(content ?? {}).length > 0)).toEqual([
      ['/api/v1/desks.csv', { 'text/csv': { schema: { type: 'string', description: expect.any(String) } } }],
    ]);
  });
});
