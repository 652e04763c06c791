import {
  AccountAnswer,
  AccountsAnswer,
  AccountsQuery,
  AddAccountRequest,
  AssignProfilesRequest,
  ById,
  ChangeAccountRequest,
  ChangeDeskRequest,
  DeskPlacement,
  PageQuery,
  VisibleDesksAnswer,
} from '../../contracts/console/access-calls.ts';
import type { Keyring } from '../crypto/keyring.ts';
import { consoleRoute, type Route } from '../http/route.ts';
import { addAccount, changeAccount, listAccounts, readAccount } from './accounts.ts';
import { assignProfiles } from './assignment.ts';
import { changeDesk } from './desk-placement.ts';
import { previewDesks } from './visible-desks.ts';

export function accountRoutes(keyring: Keyring): Route[] {
  return [
    consoleRoute({
      method: 'GET',
      path: '/api/v1/accounts',
      summary: 'Accounts that the caller sees',
      who: 'signed-in',
      needs: 'Users.View',
      query: AccountsQuery,
      answer: AccountsAnswer,
      async handle({ tx, actor, query, decidedBy }) {
        const { rule, page } = await listAccounts(tx, actor, keyring, query);
        decidedBy(rule);
        return page;
      },
    }),
    consoleRoute({
      method: 'GET',
      path: '/api/v1/accounts/:id',
      summary: 'One account',
      who: 'signed-in',
      needs: 'Users.View',
      params: ById,
      answer: AccountAnswer,
      async handle({ tx, actor, params, audit, decidedBy }) {
        audit({ type: 'account', id: params.id });
        const { rule, answer } = await readAccount(tx, actor, keyring, params.id);
        decidedBy(rule);
        return answer;
      },
    }),
    consoleRoute({
      method: 'POST',
      path: '/api/v1/accounts',
      summary: 'Adds an account; names are compared letter for letter and case for case',
      who: 'signed-in',
      needs: 'Users.Create',
      body: AddAccountRequest,
      answer: AccountAnswer,
      status: 201,
      async handle({ tx, actor, body, now, audit, decidedBy }) {
        const { rule, after, answer } = await addAccount(tx, actor, keyring, body, now);
        decidedBy(rule);
        audit({ type: 'account', id: answer.id }, { after: { ...after, profiles: body.profiles } });
        return answer;
      },
    }),
    consoleRoute({
      method: 'PATCH',
      path: '/api/v1/accounts/:id',
      summary: 'Group and tags of an account, and whether it may be used',
      who: 'signed-in',
      needs: 'Users.Edit',
      params: ById,
      body: ChangeAccountRequest,
      answer: AccountAnswer,
      async handle({ tx, actor, params, body, now, audit, decidedBy }) {
        audit({ type: 'account', id: params.id });
        const { rule, before, after, answer } = await changeAccount(tx, actor, keyring, params.id, body, now);
        decidedBy(rule);
        audit({ type: 'account', id: params.id }, { before, after });
        return answer;
      },
    }),
    consoleRoute({
      method: 'PUT',
      path: '/api/v1/accounts/:id/profiles',
      summary: 'Gives an account these security profiles and no others',
      who: 'signed-in',
      needs: 'Users.EditPermission',
      params: ById,
      body: AssignProfilesRequest,
      answer: AccountAnswer,
      async handle({ tx, actor, params, body, audit, decidedBy }) {
        audit({ type: 'account', id: params.id });
        const { rule, before, after } = await assignProfiles(tx, actor, params.id, body.profiles);
        decidedBy(rule);
        audit({ type: 'account', id: params.id }, { before, after });
        return (await readAccount(tx, actor, keyring, params.id)).answer;
      },
    }),
    consoleRoute({
      method: 'GET',
      path: '/api/v1/accounts/:id/visible-desks',
      summary: 'Which desks an account sees, and by which rule, of those that the caller sees too',
      who: 'signed-in',
      needs: 'Users.View',
      params: ById,
      query: PageQuery,
      answer: VisibleDesksAnswer,
      async handle({ tx, actor, params, query, audit, decidedBy }) {
        audit({ type: 'account', id: params.id });
        const { rule, page } = await previewDesks(tx, actor, params.id, query);
        decidedBy(rule);
        return page;
      },
    }),
    consoleRoute({
      method: 'PATCH',
      path: '/api/v1/desks/:id',
      summary: 'Tags, group and owner of a desk, by which access to it is decided',
      who: 'signed-in',
      needs: 'Devices.Edit',
      params: ById,
      body: ChangeDeskRequest,
      answer: DeskPlacement,
      async handle({ tx, actor, params, body, audit, decidedBy }) {
        audit({ type: 'device', id: params.id });
        const { rule, before, after } = await changeDesk(tx, actor, params.id, body);
        decidedBy(rule);
        audit({ type: 'device', id: params.id }, { before, after });
        return after;
      },
    }),
  ];
}
