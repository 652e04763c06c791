import { once } from 'node:events';
import { createRequire } from 'node:module';
import { connect, createServer } from 'node:net';
import path from 'node:path';
import { expect, it } from 'vitest';
import { type ServerSettings, startServer } from '../../fleet/server.ts';
import { describeWithDatabase } from './describe-with-database.ts';
import { runServer } from './running-server.ts';

describeWithDatabase('a server that cannot start', () => {
  it('leaves nothing behind that listens, so that its process ends', async () => {
    const running = await runServer();
    try {
      const devicePort = await freePort();
      const { config } = running.store;
      const settings: ServerSettings = {
        store: {
          ...running.store,
          config: {
            ...config,
            device: { ...config.device, listen: { ...config.device.listen, port: devicePort } },
            console: { ...config.console, listen: { ...config.console.listen, port: running.server.consolePort } },
          },
        },
        version: '0.0.0-test',
        assetsDir: path.dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json')),
        feed: null,
        resolveSecret: () => Promise.reject(new Error('no secrets in tests')),
        event: () => undefined,
      };
      await expect(startServer(settings)).rejects.toThrow('EADDRINUSE');
      expect(await accepts(devicePort)).toBe(false);
      expect(await accepts(running.server.devicePort)).toBe(true);
    } finally {
      await running.close();
    }
  }, 60_000);
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address ? address.port : 0;
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  return once(socket, 'connect')
    .then(
      () => true,
      () => false,
    )
    .finally(() => socket.destroy());
}
