import { z } from 'zod';

const AbsolutePath = z
  .string()
  .max(4_096)
  .regex(/^(\/|[A-Za-z]:[\\/])/, 'expected an absolute path');

export const FleetUrl = z
  .url({ protocol: /^https$/ })
  .max(500)
  .refine(
    (text) => !URL.canParse(text) || (new URL(text).pathname === '/' && new URL(text).search === '' && new URL(text).username === ''),
    {
      message: 'expected https://host[:port] and nothing more',
    },
  );

/** What IT gives the daemon of a desk. Everything that judges stands in the policy; this only says where things are. */
export const DaemonConfig = z.strictObject({
  schema: z.literal(1),
  policy: AbsolutePath.optional().describe('Policy file that the desk obeys while it is not enrolled; it is only observed then'),
  enrolment: z
    .strictObject({
      server: FleetUrl,
      ticketFile: AbsolutePath.optional().describe('Where IT puts the ticket; readable by root alone'),
      goldenImage: z
        .boolean()
        .default(false)
        .describe('This disk is cloned: an identity that came with the image is removed, and each clone enrols for itself'),
    })
    .optional()
    .describe('Fleet server that this desk enrols with by itself'),
  stateDir: AbsolutePath.default('/var/lib/deskwarden').describe('What the daemon must not forget; readable by root alone'),
  runDir: AbsolutePath.default('/run/deskwarden').describe('Sockets of the local interface, one directory for each user'),
  logDir: AbsolutePath.default('/var/log/deskwarden').describe('The last days of the log'),
});
export type DaemonConfig = z.infer<typeof DaemonConfig>;
