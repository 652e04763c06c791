import { Permission } from '../../contracts/console/access.ts';
import { AccessSettings, AccessSettingsAnswer, PermissionsAnswer } from '../../contracts/console/access-calls.ts';
import { consoleRoute, type Route } from '../http/route.ts';
import { permissions } from './permission.ts';
import { changeSettings, readSettings } from './settings.ts';

export function settingsRoutes(): Route[] {
  return [
    consoleRoute({
      method: 'GET',
      path: '/api/v1/permissions',
      summary: 'Everything that a security profile can grant',
      who: 'signed-in',
      answer: PermissionsAnswer,
      handle: async () => ({
        items: Permission.options.map((id) => {
          const { name, use, type, implies = [], unsafeModule = false, later = false } = permissions[id];
          return { id, name, use, type, implies: [...implies], unsafeModule, later };
        }),
      }),
    }),
    consoleRoute({
      method: 'GET',
      path: '/api/v1/access-settings',
      summary: 'Guardrails and limits of access, and what wants a second person',
      who: 'signed-in',
      needs: 'Guardrails.View',
      answer: AccessSettingsAnswer,
      async handle({ tx, actor, decidedBy }) {
        const { rule, settings } = await readSettings(tx, actor);
        decidedBy(rule);
        return settings;
      },
    }),
    consoleRoute({
      method: 'PUT',
      path: '/api/v1/access-settings',
      summary: 'Changes guardrails, limits of access and what wants a second person; wants a fresh second factor',
      who: 'signed-in',
      needs: 'Guardrails.Edit',
      body: AccessSettings,
      answer: AccessSettings,
      async handle({ tx, actor, body, now, audit, decidedBy }) {
        const { rule, before } = await changeSettings(tx, actor, body, now);
        decidedBy(rule);
        audit({ type: 'access-settings', id: actor.tenant }, { before, after: body });
        return body;
      },
    }),
  ];
}
