import { NIL_ID } from '../db/tenancy.ts';

export type DataClass = 'identity' | 'evidence' | 'secrets' | 'audit';

/** Whose key: an instance, or with the nil instance a whole tenant, or with both nil the whole deployment. */
export interface KeyOwner {
  tenant: string;
  instance: string;
}

/** Where a sealed value stands. Moved anywhere else it does not open. */
export interface Place {
  table: string;
  row: string;
  field: string;
}

/** As in AWS, the region of what is not of one region is empty. */
export function instanceArn({ tenant, instance }: KeyOwner, region: string): string {
  return `arn:deskwarden:${instance === NIL_ID ? '' : region}:${tenant}:instance/${instance}`;
}

/** Each part behind its own length: no two lists of parts give the same bytes. */
export function unambiguous(parts: readonly string[]): Buffer {
  return Buffer.concat(
    parts.flatMap((part) => {
      const bytes = Buffer.from(part, 'utf8');
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return [length, bytes];
    }),
  );
}
