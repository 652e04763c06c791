import { createReadStream } from 'node:fs';
import path from 'node:path';
import fastifySwagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import { jsonSchemaTransform } from 'fastify-type-provider-zod';

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Deskwarden fleet API</title>
<link rel="stylesheet" href="/api/docs/swagger-ui.css">
<style>body { margin: 0 } .topbar { display: none }</style>
</head>
<body>
<div id="swagger-ui"></div>
<script src="/api/docs/swagger-ui-bundle.js"></script>
<script src="/api/docs/start.js"></script>
</body>
</html>
`;
const start = "SwaggerUIBundle({ url: '/api/openapi.json', dom_id: '#swagger-ui', deepLinking: true, supportedSubmitMethods: ['get'] });\n";

const types: Readonly<Record<string, string>> = { '.css': 'text/css; charset=utf-8', '.js': 'text/javascript; charset=utf-8' };
/** The library's page sets styles from its script. */
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'";

/** OpenAPI 3.1, generated from the routes' own schemas, and a page to read it. Call before the routes are mounted. */
export async function serveApiDocs(app: FastifyInstance, settings: { version: string; assetsDir: string }): Promise<void> {
  await app.register(fastifySwagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Deskwarden fleet API',
        version: settings.version,
        description: 'Who may take calls, who cannot and why. Sign in at /api/v1/sign-in; every call is audited.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      components: { securitySchemes: { session: { type: 'apiKey', in: 'cookie', name: '__Host-deskwarden' } } },
    },
    transform: jsonSchemaTransform,
  });
  const hidden = { schema: { hide: true } };
  app.get('/api/openapi.json', hidden, async (_request, reply) => {
    // As text: the answer has no schema of its own to be written by.
    return reply.type('application/json').serializer(String).send(JSON.stringify(app.swagger()));
  });
  app.get('/api/docs', hidden, async (_request, reply) => sendText(reply, 'text/html; charset=utf-8', page));
  app.get('/api/docs/start.js', hidden, async (_request, reply) => sendText(reply, 'text/javascript; charset=utf-8', start));
  for (const name of ['swagger-ui.css', 'swagger-ui-bundle.js']) {
    app.get(`/api/docs/${name}`, hidden, async (_request, reply) =>
      reply
        .type(types[path.extname(name)] ?? 'text/plain')
        .serializer((stream) => stream)
        .send(createReadStream(path.join(settings.assetsDir, name))),
    );
  }

  function sendText(reply: import('fastify').FastifyReply, type: string, text: string) {
    return reply.header('content-security-policy', POLICY).type(type).serializer(String).send(text);
  }
}
