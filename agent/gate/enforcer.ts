import type { EnforcerName, EnforcerStatus } from '../../contracts/enforcer.ts';

/** What of the network belongs to the CCP of this desk's instance. */
export interface GateScope {
  /** Hosts of the instance's web pages. */
  ccpHosts: readonly string[];
  /** Hosts that calls are signalled over. */
  transportHosts: readonly string[];
  /** Where media goes, in CIDR notation. */
  mediaPrefixes: readonly string[];
  /** Addresses that other sites share: never to be blocked. In CIDR notation. */
  sharedPrefixes: readonly string[];
}

export interface GateOrder {
  closed: boolean;
  scope: GateScope;
  /** Users who work here as agents. */
  agentUids: readonly number[];
}

/** A means of closing the CCP, behind one port for every operating system. */
export interface Enforcer {
  readonly name: EnforcerName;
  /**
   * Brings this computer to what the order wants, reads back, and tells what it found. Repeating an order puts back what
   * somebody changed. Never rejects: what fails is told as a note. One call at a time.
   */
  hold(order: GateOrder): Promise<EnforcerStatus>;
}
