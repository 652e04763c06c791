import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { toolPath } from '../../build/debian-tools.ts';
import { middleboxes, type Site } from './middleboxes.ts';
import type { Scenario } from './scenario.ts';
import type { ServerSpec } from './servers.ts';
import { webListeners } from './web-sites.ts';
import { canary, portal, siteAddress, spareTurnAddress, turnHosts, turnPort, webHosts } from './world.ts';

export function siteServers(site: Site): ServerSpec[] {
  return [nameServer(site), ...turnServers(site), webServer(site), ...middleboxes(site)];
}

/** What the scenario's servers need beyond `healthy`, for the check that they are installed. */
export function toolsOf({ middlebox, turn, webClock, command }: Scenario): string[] {
  const box = { interceptor: ['mitmdump'], proxy: ['squid'], 'web-socket-stripper': ['nginx'], portal: [] };
  return [
    ...(middlebox ? box[middlebox] : []),
    turn === 'stund' ? 'stund' : 'turnserver',
    ...(webClock || command?.clock ? ['libfaketime'] : []),
  ];
}

/** Timers stay true: only the wall clock is moved. */
export function clockEnv(offset: string): Record<string, string> {
  return { LD_PRELOAD: toolPath('libfaketime'), FAKETIME: offset, FAKETIME_DONT_FAKE_MONOTONIC: '1' };
}

export function nameServerRecords({ names = 'all', middlebox }: Scenario): string[] {
  // Host records win over the wildcard, so that a hijacked server has none.
  if (names === 'hijacked') return [`--address=/#/${canary.address}`];
  const hosts: Record<string, string> = { ...webHosts, [canary.host]: canary.address };
  if (names === 'all') Object.assign(hosts, turnHosts);
  if (middlebox === 'portal') hosts[portal.host] = siteAddress;
  // `--local` makes the rest NXDOMAIN and a missing AAAA "no data"; without it dnsmasq refuses both.
  return ['--local=/#/', ...Object.entries(hosts).map(([host, address]) => `--host-record=${host},${address}`)];
}

function nameServer({ scenario }: Site): ServerSpec {
  const settled = ['-k', '--conf-file=/dev/null', '--no-resolv', '--no-hosts', '--bind-interfaces', '--except-interface=lo'];
  return {
    name: 'dnsmasq',
    argv: [
      toolPath('dnsmasq'),
      ...settled,
      `--listen-address=${siteAddress}`,
      '--pid-file=',
      '--user=root',
      ...nameServerRecords(scenario),
    ],
    listens: [
      { protocol: 'udp', address: siteAddress, port: 53 },
      { protocol: 'tcp', address: siteAddress, port: 53 },
    ],
  };
}

function turnServers({ scenario, dir }: Site): ServerSpec[] {
  const addresses = Object.values(turnHosts);
  if (scenario.turn === 'stund') return [stund('stund-1', addresses[0], addresses[1]), stund('stund-2', addresses[2], spareTurnAddress)];
  // coturn must not read the machine's settings, nor write under /var.
  const ownFiles = ['-n', '--no-cli', `--pidfile=${join(dir, 'turn.pid')}`, `--userdb=${join(dir, 'turn.db')}`];
  const udpOnly = ['--no-tls', '--no-dtls', '--no-tcp', '--no-tcp-relay', '--no-rfc5780'];
  const account = ['--lt-cred-mech', '--user=lab:lab', '--realm=lab.example'];
  const places = [...addresses.map((ip) => `--listening-ip=${ip}`), `--relay-ip=${addresses[0]}`, `--listening-port=${turnPort}`];
  const stun = scenario.turn === 'coturn-without-stun' ? ['--no-stun'] : [];
  const rest = ['--log-file=stdout', '--simple-log', '--min-port=50000', '--max-port=50100', ...stun];
  return [
    {
      name: 'coturn',
      argv: [toolPath('turnserver'), ...ownFiles, ...udpOnly, ...account, ...places, ...rest],
      listens: addresses.map((address) => ({ protocol: 'udp', address, port: turnPort })),
    },
  ];
}

function stund(name: string, first = '', second = ''): ServerSpec {
  return {
    name,
    argv: [toolPath('stund'), '-h', first, '-a', second],
    listens: [first, second].map((address) => ({ protocol: 'udp', address, port: turnPort })),
  };
}

function webServer({ scenario, dir, pki, webServerPath }: Site): ServerSpec {
  const listeners = webListeners(scenario, pki);
  const configPath = join(dir, 'web.json');
  writeFileSync(configPath, JSON.stringify(listeners), { mode: 0o600 });
  return {
    name: 'web',
    argv: [process.execPath, webServerPath, configPath],
    ...(scenario.webClock ? { env: clockEnv(scenario.webClock) } : {}),
    listens: listeners.map(({ address, port }) => ({ protocol: 'tcp', address, port })),
  };
}
