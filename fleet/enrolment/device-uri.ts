const uuid = '([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})';
/** As Node shows a subjectAltName that has this URI and nothing else. */
const shown = new RegExp(`^URI:urn:deskwarden:tenant:${uuid}:instance:${uuid}$`);

/** Where a device belongs, in its certificate: a call finds its tenant without looking the device up. */
export function deviceUri({ tenant, instance }: { tenant: string; instance: string }): string {
  return `urn:deskwarden:tenant:${tenant}:instance:${instance}`;
}

export function readDeviceUri(subjectAltName: string | undefined): { tenant: string; instance: string } | null {
  const [, tenant, instance] = shown.exec(subjectAltName ?? '') ?? [];
  return tenant !== undefined && instance !== undefined ? { tenant, instance } : null;
}
