import { InstanceAlias } from '../../contracts/instance.ts';

/** Domains under which Connect has served instances: the first label is the alias. */
const instanceDomains = ['.my.connect.aws', '.govcloud.connect.aws', '.awsapps.com'];

const UUID = /\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/i;

export type PastedInstance = { kind: 'alias'; alias: string } | { kind: 'instance-id' } | { kind: 'nothing-known' };

/** What somebody meant who gave a URL, a host name, an ARN or an id where the alias belongs. */
export function guessInstance(pasted: string): PastedInstance {
  const host = pasted
    .trim()
    .toLowerCase()
    .replace(/^[a-z][a-z0-9+.-]*:\/\//, '')
    .replace(/^[^/@]*@/, '')
    .replace(/[/?#:].*$/, '')
    .replace(/\.+$/, '');
  const domain = instanceDomains.find((suffix) => host.endsWith(suffix));
  const alias = domain === undefined ? host : host.slice(0, -domain.length);
  if (!UUID.test(pasted) && InstanceAlias.safeParse(alias).success) return { kind: 'alias', alias };
  return UUID.test(pasted) ? { kind: 'instance-id' } : { kind: 'nothing-known' };
}
