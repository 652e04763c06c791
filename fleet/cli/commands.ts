import type { Command } from './command.ts';
import { accountUnbind } from './commands/account-unbind.ts';
import { adminLink } from './commands/admin-link.ts';
import { auditVerify } from './commands/audit-verify.ts';
import { desks } from './commands/desks.ts';
import { keyRotate } from './commands/key-rotate.ts';
import { migrate } from './commands/migrate.ts';
import { policyPreview } from './commands/policy-preview.ts';
import { policyPush } from './commands/policy-push.ts';
import { policySign } from './commands/policy-sign.ts';
import { serve } from './commands/serve.ts';
import { ticketCreate } from './commands/ticket-create.ts';

export const commands: readonly Command[] = [
  serve,
  migrate,
  adminLink,
  accountUnbind,
  ticketCreate,
  desks,
  policyPush,
  policyPreview,
  policySign,
  keyRotate,
  auditVerify,
];
