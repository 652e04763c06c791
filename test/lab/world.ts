/**
 * What exists in every lab. The addresses lie inside the prefixes that AWS publishes for each service, so that the checks
 * see what they would see outside; nothing leaves the two namespaces.
 */

export const deskAddress = '192.168.71.2';
export const siteAddress = '192.168.71.1';

export const instanceHost = 'acme.my.connect.aws';
export const transportHost = 'lab.transport.connect.us-west-2.amazonaws.com';

/** Served on 443, and on 80 with a redirect to https. */
export const webHosts: Readonly<Record<string, string>> = {
  [instanceHost]: '54.148.10.10',
  'participant.connect.us-west-2.amazonaws.com': '54.148.10.12',
  [transportHost]: '54.148.10.13',
  'lab.telemetry.connect.us-west-2.amazonaws.com': '54.148.10.14',
  'us-west-2.signin.aws.amazon.com': '54.148.10.15',
  'us-west-2.console.aws.amazon.com': '54.148.10.16',
  'lab.static.connect.aws': '205.251.249.10',
  'd38fzyjx9jg8fj.cloudfront.net': '205.251.249.11',
  'd366s8lxuwna4d.cloudfront.net': '205.251.249.12',
};

export const turnHosts: Readonly<Record<string, string>> = {
  'TurnNlb-8d79b4466d82ad0e.elb.us-west-2.amazonaws.com': '15.193.7.11',
  'TurnNlb-dbc4ebb71307fda2.elb.us-west-2.amazonaws.com': '15.193.7.12',
  'TurnNlb-13c884fe3673ed9f.elb.us-west-2.amazonaws.com': '15.193.7.13',
};

/** Outside every published prefix. Nobody listens there, so that the site's kernel answers a connect with a reset. */
export const canary = { host: 'canary.example.com', address: '198.51.100.7' } as const;

export const portal = { host: 'portal.example.com', httpPort: 8080, httpsPort: 8443 } as const;

/** On the site's loopback, behind a middlebox that answers in the host's place. */
export const backend = { address: '127.0.0.1', httpPort: 8080, httpsPort: 9443 } as const;

export const interceptorPort = 8443;
export const proxyPort = 3128;
export const turnPort = 3478;

/** stund wants its addresses in pairs; the last has no host name. */
export const spareTurnAddress = '15.193.7.14';

/** Where answers seem to come from in `tampered`. */
export const strangerAddress = '15.193.7.50';
