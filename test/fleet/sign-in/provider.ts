import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import Provider, { type JWKS, type KoaContextWithOIDC } from 'oidc-provider';
import { CONSOLE } from './stage.ts';

/** Who sits at the provider's page, and what they showed there. */
export interface Person {
  sub: string;
  name: string;
  groups: readonly string[];
  amr?: readonly string[];
  acr?: string;
}

export type SigningKey = JWKS['keys'][number];

export interface TestProvider {
  issuer: string;
  clientId: string;
  clientSecret: string;
  person: Person | null;
  /** Which keys it signs with (the first) and which it publishes. */
  useKeys(keys: readonly SigningKey[], published?: readonly SigningKey[]): void;
  /** Answers every request with this status; null: as it should. */
  broken: number | null;
  /** A browser at the provider: from the address it was sent to, to the address it is sent back to. */
  visit(address: string): Promise<URL>;
  stop(): Promise<void>;
}

export function newSigningKey(kid: string): SigningKey {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), kid, alg: 'RS256', use: 'sig' } as SigningKey;
}

const BACK = `${CONSOLE}/api/v1/sign-in/oidc/callback`;

/** A real OpenID provider on loopback; only its page for typing a password is replaced by `person`. */
export async function openProvider(): Promise<TestProvider> {
  const [clientId, clientSecret] = ['deskwarden', randomUUID()];
  let answer: RequestListener = (_, response) => void response.writeHead(503).end();
  let publishedKeys: readonly SigningKey[] = [];
  const server = createServer((request, response) => {
    if (provider.broken !== null) return void response.writeHead(provider.broken).end('<html>out of order');
    if (request.url === '/jwks') {
      const keys = publishedKeys.map(({ kty, kid, alg, use, n, e }) => ({ kty, kid, alg, use, n, e }));
      return void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ keys }));
    }
    answer(request, response);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  function start(keys: readonly SigningKey[]): RequestListener {
    const oidc: Provider = new Provider(issuer, {
      clients: [
        {
          client_id: clientId,
          client_secret: clientSecret,
          redirect_uris: [BACK],
          response_types: ['code'],
          grant_types: ['authorization_code'],
        },
      ],
      jwks: { keys: [...keys] },
      cookies: { keys: [randomUUID()] },
      conformIdTokenClaims: false,
      claims: { openid: ['sub', 'preferred_username', 'groups', 'amr', 'acr', 'auth_time'] },
      acrValues: ['urn:example:two-factors'],
      features: { devInteractions: { enabled: false } },
      interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
      findAccount: async (_, sub) => ({
        accountId: sub,
        claims: async () => ({ sub, preferred_username: provider.person?.name, groups: provider.person?.groups }),
      }),
      // Everybody consents.
      async loadExistingGrant(context: KoaContextWithOIDC) {
        const { session, client } = context.oidc;
        if (!session?.accountId || !client) return undefined;
        const grant = new oidc.Grant({ clientId: client.clientId, accountId: session.accountId });
        grant.addOIDCScope('openid profile');
        await grant.save();
        return grant;
      },
    });
    const handle = oidc.callback();
    return (request, response) => {
      if (!request.url?.startsWith('/interaction/')) return void handle(request, response);
      const { person } = provider;
      const result = person
        ? { login: { accountId: person.sub, ...(person.amr && { amr: [...person.amr] }), ...(person.acr && { acr: person.acr }) } }
        : { error: 'access_denied' };
      oidc
        .interactionFinished(request, response, result, { mergeWithLastSubmission: false })
        .catch(() => void response.writeHead(500).end());
    };
  }

  const provider: TestProvider = {
    issuer,
    clientId,
    clientSecret,
    person: null,
    broken: null,
    useKeys(keys, published = keys) {
      publishedKeys = published;
      answer = start(keys);
    },
    async visit(address) {
      const cookies = new Map<string, string>();
      let at = new URL(address);
      // As many hops as a sign-in takes, twice over.
      for (let hop = 0; hop < 10; hop += 1) {
        const reply = await fetch(at, {
          redirect: 'manual',
          headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
        });
        for (const set of reply.headers.getSetCookie()) {
          const [pair = ''] = set.split(';');
          cookies.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1));
        }
        const location = reply.headers.get('location');
        if (location === null)
          throw new Error(`the provider stopped at ${at.pathname} with ${reply.status}: ${(await reply.text()).slice(0, 500)}`);
        at = new URL(location, at);
        if (at.origin === CONSOLE) return at;
      }
      throw new Error('the provider sends its visitor around in circles');
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
  return provider;
}
