import type { IncomingHttpHeaders } from 'node:http';
import { FleetFault } from '../http/fault.ts';

/**
 * Headers by which a proxy that ends TLS says whose certificate it saw: nginx, HAProxy, Envoy, Traefik, Apache, IIS/Azure, AWS's and
 * Google's load balancers, Cloudflare, RFC 9440. Anybody can send them; TLS has to pass through to us.
 */
const forwarded =
  /^(x-)?(forwarded-)?(tls-)?(ssl-)?client-?(cert|ssl|dn|serial|verify|s-dn|i-dn|fingerprint|issuer)|^(x-)?ssl-|^x-forwarded-(client|tls|ssl)|^x-arr-(clientcert|ssl)|^x-amzn-mtls-|^x-client-(cert|dn|ssl)|^x-(tls|ssl|mtls)-|^cf-client-cert|^x-goog-client-cert|^x-verified-client|^x-apigee-tls/i;

/** Refuses a call that came through a proxy which ended its TLS, or that pretends to. */
export function refuseForwardedCertificates(headers: IncomingHttpHeaders): void {
  const name = Object.keys(headers).find((header) => forwarded.test(header.replaceAll('_', '-')));
  if (name === undefined) return;
  throw new FleetFault(
    'bad-request',
    `the header ${name.slice(0, 60)} forwards a client certificate: TLS has to pass through to this server`,
  );
}
