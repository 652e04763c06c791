/** Probes one endpoint in a process of its own, whose trusted roots are set by NODE_EXTRA_CA_CERTS; prints the anchor. */
import { createNet, type NetOptions } from '../../agent/host/net.ts';

const [server = '', host = '', port = ''] = process.argv.slice(2);
const network = { proxy: 'none', extraRoots: [] };
const net = createNet({
  plan: { network, roots: [] } as unknown as NetOptions['plan'],
  proxyEnv: {},
  signal: new AbortController().signal,
  resolverServers: [server],
  systemLookup: false,
});
const { tls, failure } = await net.endpoint({ host, port: Number(port) });
await net.close();
console.log(JSON.stringify({ anchor: tls?.anchor, failure }));
