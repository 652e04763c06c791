import { NIL_ID } from '../../../fleet/db/tenancy.ts';
import { ensureTenants } from '../../../fleet/tenants.ts';
import { deskKeys, enrolBody } from '../enrolment/desk-keys.ts';
import type { Ask, Reply, RunningServer } from '../running-server.ts';
import type { Person } from '../signed-in.ts';

/** A desk with a certificate of the server's: calls show it. */
export interface EnrolledDesk {
  device: string;
  cert: string;
  key: string;
  csr: string;
  ask(ask: Ask, at?: RunningServer): Promise<Reply>;
}

export async function makeTicket(
  admin: Person,
  instance: string,
  more: Record<string, unknown> = {},
): Promise<{ id: string; secret: string }> {
  const made = await admin.ask({ method: 'POST', path: '/api/v1/tickets', body: { instance, approval: 'automatic', ...more } });
  if (made.status !== 201) throw new Error(`no ticket: ${made.text}`);
  const { ticket, text } = made.body as { ticket: { id: string }; text: string };
  return { id: ticket.id, secret: text.split('.')[1] ?? '' };
}

/** Over the device listener, as desks do it. */
export async function enrolDesks(server: RunningServer, admin: Person, count: number): Promise<EnrolledDesk[]> {
  const [keys, { secret }] = await Promise.all([deskKeys(count), makeTicket(admin, server.instance, { maxUses: count })]);
  return Promise.all(
    keys.map(async ({ key, csr }, at) => {
      const body = enrolBody(secret, { key, csr }, `desk-${at}.example.com`);
      const answered = await server.device({ method: 'POST', path: '/device/v1/enrol', body });
      const { device, certificate: cert, status } = answered.body as { device: string; certificate: string; status: string };
      if (status !== 'enrolled') throw new Error(`not enrolled: ${answered.text} ${JSON.stringify(server.events)}`);
      return { device, cert, key, csr, ask: (ask, over = server) => over.device({ cert, key, ...ask }) };
    }),
  );
}

/** A second tenant of the same server, as its configuration would make it. */
export async function furtherTenant(server: RunningServer, slug: string): Promise<{ tenant: string; instance: string }> {
  const [own] = server.store.config.tenants;
  if (!own) throw new Error('the server has no tenant');
  const [made] = await ensureTenants(server.store.db, [{ ...own, slug, name: slug, instances: [{ alias: slug, region: 'us-west-2' }] }]);
  if (!made) throw new Error(`no tenant ${slug}`);
  const { instance_id: instance } = await server.store.db.within({ tenant: made.tenant }, (tx) =>
    tx.selectFrom('instance').select('instance_id').where('instance_id', '!=', NIL_ID).executeTakeFirstOrThrow(),
  );
  return { tenant: made.tenant, instance };
}
