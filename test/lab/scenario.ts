import type { LabPolicy } from './policy.ts';

/** A scenario says only how it differs from `healthy`. */
export interface Scenario {
  name: string;
  /** One line, for people. */
  summary: string;
  /** nft rules on what the desk sends to the site's servers. The counters `blocked` and `loss` exist. */
  siteInput?: readonly string[];
  /** nft rules on what the site's servers send to the desk. */
  siteOutput?: readonly string[];
  /** TCP ports of the desk that a middlebox takes over, as port of the server to port of the middlebox. */
  redirects?: Readonly<Record<number, number>>;
  /** nft rules on what leaves the desk, as its own firewall has them. */
  deskOutput?: readonly string[];
  /** Lines for `ip -batch` in the desk. */
  deskNetwork?: readonly string[];
  names?: 'all' | 'without-turn' | 'hijacked';
  turn?: 'coturn' | 'coturn-without-stun' | 'stund';
  /** What the instance's host does instead of serving well. */
  instance?:
    | 'expired'
    | 'wrong-host'
    | 'self-signed'
    | 'incomplete-chain'
    | 'old-tls'
    | 'no-forward-secrecy'
    | 'resets-name'
    | 'plain-text';
  middlebox?: 'interceptor' | 'proxy' | 'web-socket-stripper' | 'portal';
  canaryAnswers?: true;
  /** Offset of the web servers' clock, as libfaketime writes it. */
  webClock?: string;
  command?: {
    clock?: string;
    trustsInterceptor?: true;
  };
  policy?: (policy: LabPolicy) => LabPolicy;
}
