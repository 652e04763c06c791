import { z } from 'zod';

const AbsolutePath = z
  .string()
  .max(4_096)
  .regex(/^(\/|[A-Za-z]:[\\/])/, 'expected an absolute path');

/** What IT gives the daemon of a desk. Everything that judges stands in the policy; this only says where things are. */
export const DaemonConfig = z.strictObject({
  schema: z.literal(1),
  policy: AbsolutePath.describe('Policy file that the desk obeys while it is not enrolled; it is only observed then'),
  stateDir: AbsolutePath.default('/var/lib/deskwarden').describe('What the daemon must not forget; readable by root alone'),
  runDir: AbsolutePath.default('/run/deskwarden').describe('Sockets of the local interface, one directory for each user'),
});
export type DaemonConfig = z.infer<typeof DaemonConfig>;
