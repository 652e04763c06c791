import { leafOf, type Pki } from './pki.ts';
import type { Scenario } from './scenario.ts';
import type { TlsSettings, WebListener } from './web-listeners.ts';
import { backend, canary, instanceHost, portal, siteAddress, transportHost, webHosts } from './world.ts';

export function webListeners(scenario: Scenario, pki: Pki): WebListener[] {
  const listeners: WebListener[] = [];
  for (const [host, address] of Object.entries(webHosts)) {
    const tls: TlsSettings = { key: pki.leafKey, cert: pki.chains[host] as string };
    const webSocket = host === transportHost;
    listeners.push({ kind: 'to-https', address, port: 80 });
    if (webSocket && scenario.middlebox === 'web-socket-stripper') {
      listeners.push({ kind: 'host', address: backend.address, port: backend.httpPort, webSocket });
    } else if (host === instanceHost) listeners.push(...instanceListeners(scenario, pki, address, tls));
    else listeners.push({ kind: 'host', address, port: 443, tls, webSocket });
  }
  if (scenario.canaryAnswers) {
    const tls = { key: pki.leafKey, cert: pki.chains[instanceHost] as string };
    listeners.push({ kind: 'host', address: canary.address, port: 443, tls, webSocket: false });
  }
  if (scenario.middlebox === 'portal') {
    const place = { kind: 'portal', address: siteAddress, host: portal.host } as const;
    listeners.push({ ...place, port: portal.httpPort });
    listeners.push({ ...place, port: portal.httpsPort, tls: { key: pki.leafKey, cert: pki.portal } });
  }
  return listeners;
}

function instanceListeners({ instance }: Scenario, pki: Pki, address: string, tls: TlsSettings): WebListener[] {
  const serve = (change: Partial<TlsSettings> = {}): WebListener => ({
    kind: 'host',
    address,
    port: 443,
    tls: { ...tls, ...change },
    webSocket: false,
  });
  switch (instance) {
    case 'expired':
      return [serve({ cert: pki.expired })];
    case 'wrong-host':
      return [serve({ cert: pki.wrongHost })];
    case 'self-signed':
      return [serve({ cert: pki.selfSigned })];
    case 'incomplete-chain':
      return [serve({ cert: leafOf(tls.cert) })];
    case 'old-tls':
      // OpenSSL 3 signs as these versions ask only at security level 0.
      return [serve({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' })];
    case 'no-forward-secrecy':
      return [serve({ maxVersion: 'TLSv1.2', ciphers: 'AES256-GCM-SHA384:AES128-GCM-SHA256' })];
    case 'plain-text':
      return [{ kind: 'plain-text', address, port: 443 }];
    case 'resets-name': {
      const upstream = { address: backend.address, port: backend.httpsPort };
      return [
        { kind: 'resets-name', address, port: 443, host: instanceHost, upstream },
        { kind: 'host', ...upstream, tls, webSocket: false },
      ];
    }
    default:
      return [serve()];
  }
}
