import type { z } from 'zod';
import type { Group } from '../../../contracts/console/access-calls.ts';
import type { TicketAnswer, TicketsAnswer } from '../../../contracts/console/enrolment.ts';
import type { AssignAnswer, PolicyPutAnswer, PublishAnswer, RollbackAnswer } from '../../../contracts/console/policies.ts';
import type { PreviewAnswer, PreviewStarted } from '../../../contracts/console/rejudge.ts';
import { type Caller, eventually, openRealFleet, type RealFleet } from './real-fleet.ts';

type Acceptance = { preview: string; blocks: number };

/** A fleet with two administrators who work by its API. */
export interface Office {
  fleet: RealFleet;
  admin: Caller;
  second: Caller;
  instance: string;
  addGroup(name: string): Promise<string>;
  /** Of one desk, which is let in at once. */
  ticketFor(group: string): Promise<string>;
  /** Made on the command line, for one desk that waits for approval. */
  ticketByHand: string;
  /** Gives the draft's revision. */
  store(policy: string, source: string): Promise<number>;
  /** Gives the revision of the signed document. */
  publish(policy: string, revision: number, accept?: Acceptance): Promise<number>;
  /** Why it may not be published. */
  refusal(policy: string, revision: number, accept?: Acceptance): Promise<{ code: string; detail: string }>;
  preview(policy: string): Promise<PreviewAnswer>;
  rollBack(policy: string, to: number): Promise<z.infer<typeof RollbackAnswer>>;
  assign(policy: string, group: string): Promise<string>;
  close(): Promise<void>;
}

export async function openOffice(): Promise<Office> {
  const fleet = await openRealFleet();
  try {
    // Tickets are all that tells an administrator what instances there are.
    const ticketByHand = (await fleet.command('ticket', 'create', '--out', '-', '--approve', 'manual')).trim();
    const [admin, second] = [await fleet.signIn('admin'), await fleet.signIn('second')];
    const { items } = await admin.ask<TicketsAnswer>('GET', '/api/v1/tickets');
    const instance = items[0]?.instance ?? '';
    const policies = `/api/v1/instances/${instance}/policies`;
    const publishing = (policy: string, revision: number) => `${policies}/${policy}/revisions/${revision}/publish`;
    let priority = 10;
    return {
      ...{ fleet, admin, second, instance, ticketByHand },
      addGroup: async (name) => (await admin.ask<Group>('POST', '/api/v1/groups', { name, parent: null })).id,
      ticketFor: async (group) =>
        (await admin.ask<TicketAnswer>('POST', '/api/v1/tickets', { instance, group, approval: 'automatic' })).text,
      store: async (policy, source) =>
        (await admin.ask<z.infer<typeof PolicyPutAnswer>>('PUT', `${policies}/${policy}`, { source })).revision,
      async publish(policy, revision, accept) {
        const body = accept === undefined ? {} : { accept };
        const { document } = await admin.ask<z.infer<typeof PublishAnswer>>('POST', publishing(policy, revision), body);
        if (document === null) throw new Error(`${policy} ${revision} waits for a signature`);
        return document;
      },
      async refusal(policy, revision, accept) {
        const { status, body } = await admin.reply('POST', publishing(policy, revision), accept === undefined ? {} : { accept });
        if (status < 400) throw new Error(`${policy} ${revision} was published`);
        return (body as { error: { code: string; detail: string } }).error;
      },
      async preview(policy) {
        const { id } = await admin.ask<z.infer<typeof PreviewStarted>>('POST', `${policies}/${policy}/previews`, {});
        const { value } = await eventually('the preview', async () => {
          const preview = await admin.ask<PreviewAnswer>('GET', `/api/v1/previews/${id}`);
          return preview.status !== 'running' && preview;
        });
        return value;
      },
      rollBack: (policy, to) => admin.ask<z.infer<typeof RollbackAnswer>>('POST', `${policies}/${policy}/revisions/${to}/rollback`),
      async assign(policy, group) {
        priority += 1;
        const target = { kind: 'group', group };
        const path = `/api/v1/instances/${instance}/assignments`;
        return (await admin.ask<z.infer<typeof AssignAnswer>>('POST', path, { policy, target, priority })).id;
      },
      close: () => fleet.close(),
    };
  } catch (error) {
    await fleet.close();
    throw error;
  }
}
