import type { Scenario } from './scenario.ts';
import { interceptorPort, portal, proxyPort, siteAddress, strangerAddress, turnPort } from './world.ts';

const dropTurn = `udp dport ${turnPort} counter name blocked drop`;

const table: readonly Scenario[] = [
  { name: 'healthy', summary: 'everything answers' },

  { name: 'udp-blocked', summary: 'the firewall drops UDP 3478', siteInput: [dropTurn] },
  {
    name: 'udp-blocked-unexpected',
    summary: 'the same, and the policy does not say that the TURN hosts are known to answer',
    siteInput: [dropTurn],
    policy: ({ network: { turnAnswers: _, ...network }, ...policy }) => ({ ...policy, network }),
  },
  {
    name: 'udp-rejected',
    summary: 'the firewall rejects UDP 3478 as administratively prohibited',
    // Not host- or net-unreachable: Linux keeps those from UDP sockets.
    siteInput: [`udp dport ${turnPort} counter name blocked reject with icmp type admin-prohibited`],
  },
  {
    name: 'turn-silent',
    summary: 'one of the three TURN hosts (15.193.7.12) does not answer',
    siteInput: [`ip daddr 15.193.7.12 ${dropTurn}`],
  },
  {
    name: 'tcp-blocked',
    summary: 'the firewall drops TCP 443 to the participant host (54.148.10.12)',
    siteInput: ['ip daddr 54.148.10.12 tcp dport 443 counter name blocked drop'],
  },
  {
    name: 'dns-blocked',
    summary: 'the DNS server does not answer',
    siteInput: ['meta l4proto { tcp, udp } th dport 53 counter name blocked drop'],
  },
  { name: 'dns-hijack', summary: 'every name resolves to 198.51.100.7', names: 'hijacked' },
  {
    name: 'captive-portal',
    summary: 'ports 80 and 443 lead to a sign-in page, UDP 3478 is dropped',
    middlebox: 'portal',
    redirects: { 80: portal.httpPort, 443: portal.httpsPort },
    siteInput: [dropTurn],
  },
  {
    name: 'tls-intercepted',
    summary: 'a proxy inspects TLS; the desk does not trust its root',
    middlebox: 'interceptor',
    redirects: { 443: interceptorPort },
  },
  {
    name: 'tls-intercepted-trusted',
    summary: 'the same, and the command trusts its root (NODE_EXTRA_CA_CERTS)',
    middlebox: 'interceptor',
    redirects: { 443: interceptorPort },
    command: { trustsInterceptor: true },
  },
  { name: 'expired', summary: "the instance's certificate ended two days ago", instance: 'expired' },
  { name: 'wrong-host', summary: "the instance's certificate names another host", instance: 'wrong-host' },
  { name: 'self-signed', summary: "the instance's certificate is self-signed", instance: 'self-signed' },
  { name: 'old-tls', summary: 'the instance speaks TLS 1.0 and 1.1 only', instance: 'old-tls' },
  { name: 'no-forward-secrecy', summary: 'the instance exchanges keys by RSA only', instance: 'no-forward-secrecy' },
  { name: 'incomplete-chain', summary: 'the instance sends no intermediate certificate', instance: 'incomplete-chain' },
  {
    name: 'websocket-stripped',
    summary: 'a reverse proxy in front of the transport host drops the WebSocket upgrade',
    middlebox: 'web-socket-stripper',
  },
  {
    name: 'lossy',
    summary: 'every 20th packet of a padded STUN train is dropped and counted (`loss`)',
    // The UDP length holds 8 bytes of header: payloads of more than 100 bytes. Requests without padding have under 60.
    siteInput: [`udp dport ${turnPort} udp length > 108 numgen inc mod 20 == 0 counter name loss drop`],
  },
  {
    name: 'proxy-only',
    summary: 'the desk reaches nothing but the HTTP proxy 192.168.71.1:3128 and DNS',
    middlebox: 'proxy',
    siteInput: [
      `ip daddr ${siteAddress} tcp dport { 53, ${proxyPort} } accept`,
      `ip daddr ${siteAddress} udp dport 53 accept`,
      'counter name blocked drop',
    ],
    policy: (policy) => ({ ...policy, network: { ...policy.network, proxy: `http://${siteAddress}:${proxyPort}` } }),
  },
  { name: 'clock-skew', summary: 'the clock of every web server is ten minutes ahead', webClock: '+600s' },
  { name: 'clock-skew-desk', summary: "the command's clock is 400 days ahead", command: { clock: '+400d' } },

  { name: 'no-route', summary: 'the desk has no default route', deskNetwork: ['route del default'] },
  { name: 'desk-firewall', summary: "the desk's own firewall drops UDP 3478", deskOutput: [`udp dport ${turnPort} drop`] },
  {
    name: 'binding-silent',
    summary: 'the TURN hosts answer Allocate but not Binding',
    turn: 'coturn-without-stun',
  },
  { name: 'stun-only', summary: 'the TURN hosts answer Binding but not Allocate', turn: 'stund' },
  {
    name: 'tampered',
    summary: 'the answers of the TURN hosts come from another address',
    siteOutput: [`udp sport ${turnPort} counter name blocked ip saddr set ${strangerAddress}`],
  },
  { name: 'sni-reset', summary: "a TLS handshake that names the instance's host is reset", instance: 'resets-name' },
  { name: 'canary-open', summary: 'a host that nobody needs (198.51.100.7:443) is reachable', canaryAnswers: true },
  { name: 'turn-dns-blocked', summary: 'the names of the TURN hosts do not resolve', names: 'without-turn' },
  { name: 'not-tls', summary: "the instance's port 443 answers in plain text", instance: 'plain-text' },
];

export const scenarios: ReadonlyMap<string, Scenario> = new Map(table.map((scenario) => [scenario.name, scenario]));
