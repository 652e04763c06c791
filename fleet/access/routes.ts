import type { Keyring } from '../crypto/keyring.ts';
import type { Route } from '../http/route.ts';
import { accountRoutes } from './account-routes.ts';
import { hierarchyRoutes } from './hierarchy-routes.ts';
import { instanceRoutes } from './instance-routes.ts';
import { profileRoutes } from './profile-routes.ts';
import { settingsRoutes } from './settings-routes.ts';

export interface AccessDeps {
  keyring: Keyring;
}

// `needs` is asked by the frame, for the 403 before anything is read; each service decides on the very resource again.
export function accessRoutes({ keyring }: AccessDeps): readonly Route[] {
  return [...instanceRoutes(), ...settingsRoutes(), ...hierarchyRoutes(), ...profileRoutes(), ...accountRoutes(keyring)];
}
