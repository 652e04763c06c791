import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { toolPath } from '../../build/debian-tools.ts';
import type { Pki } from './pki.ts';
import type { Scenario } from './scenario.ts';
import type { ServerSpec } from './servers.ts';
import { squidService } from './shared-memory.ts';
import { backend, interceptorPort, proxyPort, siteAddress, transportHost, webHosts } from './world.ts';

export interface Site {
  scenario: Scenario;
  dir: string;
  pki: Pki;
  webServerPath: string;
}

export function middleboxes(site: Site): ServerSpec[] {
  switch (site.scenario.middlebox) {
    case 'interceptor':
      return [interceptor(site)];
    case 'proxy':
      return [proxy(site)];
    case 'web-socket-stripper':
      return [webSocketStripper(site)];
    default:
      return [];
  }
}

function interceptor({ dir, pki }: Site): ServerSpec {
  const confDir = join(dir, 'interceptor');
  mkdirSync(confDir);
  writeFileSync(join(confDir, 'mitmproxy-ca.pem'), pki.inspector.key + pki.inspector.certificate, { mode: 0o600 });
  const settings = [`confdir=${confDir}`, `ssl_verify_upstream_trusted_ca=${join(dir, 'root.pem')}`];
  return {
    name: 'mitmdump',
    argv: [toolPath('mitmdump'), '-q', '--mode', 'transparent', '-p', `${interceptorPort}`, ...settings.flatMap((set) => ['--set', set])],
    listens: [{ protocol: 'tcp', address: '0.0.0.0', port: interceptorPort }],
  };
}

function proxy({ dir }: Site): ServerSpec {
  const configPath = join(dir, 'squid.conf');
  const lines = [
    `http_port ${siteAddress}:${proxyPort}`,
    `dns_nameservers ${siteAddress}`,
    'http_access allow all',
    'cache deny all',
    'access_log none',
    // squid gives up root and may then write nowhere in the lab's directory.
    'cache_log /dev/null',
    'pid_filename none',
    'netdb_filename none',
    'coredump_dir /',
    'pinger_enable off',
    'memory_cache_shared off',
    'shutdown_lifetime 0 seconds',
    'visible_hostname proxy.example.com',
  ];
  writeFileSync(configPath, `${lines.join('\n')}\n`);
  chmodSync(configPath, 0o644);
  return {
    name: 'squid',
    argv: [toolPath('squid'), '-N', '-n', squidService(basename(dir)), '-f', configPath],
    listens: [{ protocol: 'tcp', address: siteAddress, port: proxyPort }],
  };
}

/** Passes requests on as nginx does unless told to keep the upgrade headers. */
function webSocketStripper({ dir, pki }: Site): ServerSpec {
  const configPath = join(dir, 'nginx.conf');
  writeFileSync(join(dir, 'transport.pem'), pki.chains[transportHost] as string);
  writeFileSync(join(dir, 'transport.key'), pki.leafKey, { mode: 0o600 });
  const address = webHosts[transportHost] as string;
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${dir}/nginx-${kind};`);
  const config = `
daemon off; master_process off; user root; pid ${dir}/nginx.pid; error_log stderr;
events { }
http {
  access_log off; ${temporary.join(' ')}
  server {
    listen ${address}:443 ssl;
    ssl_certificate ${dir}/transport.pem; ssl_certificate_key ${dir}/transport.key;
    location / { proxy_pass http://${backend.address}:${backend.httpPort}; }
  }
}
`;
  writeFileSync(configPath, config);
  return {
    name: 'nginx',
    argv: [toolPath('nginx'), '-p', dir, '-c', configPath],
    listens: [{ protocol: 'tcp', address, port: 443 }],
  };
}
