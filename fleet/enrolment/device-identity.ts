/** Whom a device's certificate names, once it was found to be ours and to stand. */
export interface DeviceIdentity {
  tenant: string;
  instance: string;
  device: string;
  serial: string;
  /** Good for a renewal alone. */
  expired: boolean;
}
