// Carries connections to a port of the lab's desk to a Unix socket, which every network namespace of this machine sees.
// Arguments: the port on 127.0.0.1, the socket's path.
import net from 'node:net';

const [port = '', socketPath = ''] = process.argv.slice(2);
const server = net.createServer((client) => {
  const onward = net.connect(socketPath);
  client.pipe(onward).pipe(client);
  for (const socket of [client, onward]) {
    socket.on('error', () => {
      client.destroy();
      onward.destroy();
    });
  }
});
server.listen(Number(port), '127.0.0.1', () => console.log('ready'));
