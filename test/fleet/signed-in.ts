import { Secret, TOTP } from 'otpauth';
import { createAdminLink } from '../../fleet/sign-in/link.ts';
import type { Ask, Reply, RunningServer } from './running-server.ts';

const PASSWORD = 'correct horse battery staple';

/** Somebody with a session: calls go with its cookie. */
export interface Person {
  account: string;
  cookie: string;
  ask(ask: Ask): Promise<Reply>;
}

/** An administrator, by the one-time link, a password and a second factor, all through the API. */
export async function signInAsAdmin(server: RunningServer, user = 'admin'): Promise<Person> {
  const { db, keyring, now } = server.store;
  const link = await db.within({ tenant: server.tenant }, (tx) =>
    createAdminLink(tx, keyring, { tenant: server.tenant, user, now: now() }),
  );
  if (!link) throw new Error(`no link for ${user}`);
  return { account: link.account, ...(await signInByLink({ console: server.console, now }, link.token)) };
}

/** What a link leads to, until the second factor is set up. */
export async function signInByLink(
  server: { console(ask: Ask): Promise<Reply>; now(): Date },
  token: string,
): Promise<Omit<Person, 'account'>> {
  const first = await server.console({ method: 'POST', path: '/api/v1/sign-in/link', body: { token, password: PASSWORD } });
  const withFirst = { headers: { cookie: cookieOf(first) } };
  const offer = await server.console({ method: 'POST', path: '/api/v1/sign-in/second-factor/offer', ...withFirst });
  const { secret } = offer.body as { secret: string };
  const code = new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: server.now().getTime() });
  const second = await server.console({ method: 'POST', path: '/api/v1/sign-in/second-factor', body: { code }, ...withFirst });
  const cookie = cookieOf(second);
  return {
    cookie,
    ask: (ask) => server.console({ ...ask, headers: { cookie, ...ask.headers } }),
  };
}

function cookieOf(reply: Reply): string {
  const [set = ''] = [reply.headers['set-cookie'] ?? []].flat();
  if (!set) throw new Error(`no cookie in the answer ${reply.status}: ${reply.text}`);
  return set.split(';')[0] ?? '';
}
