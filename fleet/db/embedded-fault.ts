export type EmbeddedFaultCode =
  | 'in-use'
  | 'no-space'
  | 'no-access'
  | 'wrong-version'
  | 'path-too-long'
  | 'no-account'
  | 'no-credentials'
  | 'not-started'
  | 'not-stopped';

/** Why the embedded PostgreSQL does not run, and what to do about it. */
export class EmbeddedFault extends Error {
  constructor(
    readonly code: EmbeddedFaultCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** What PostgreSQL's programs said when they gave up, in words of its own C locale. */
export function faultOf(doing: string, said: string, dir: string): EmbeddedFault {
  const tail = said.trim().split('\n').slice(-8).join('\n');
  if (/No space left on device/.test(said)) {
    return new EmbeddedFault('no-space', `${doing}: no space left on the disk of ${dir}; free some and start again\n${tail}`);
  }
  if (/database files are incompatible|was initialized by PostgreSQL version/.test(said)) {
    return new EmbeddedFault('wrong-version', `${doing}: ${dir} was made by another version of PostgreSQL\n${tail}`);
  }
  if (/Permission denied|has wrong ownership|has invalid permissions/.test(said)) {
    return new EmbeddedFault(
      'no-access',
      `${doing}: its system account cannot reach ${dir}; every directory above must let it pass (chmod o+x)\n${tail}`,
    );
  }
  if (/lock file ".*" already exists/.test(said)) {
    return new EmbeddedFault('in-use', `${doing}: another PostgreSQL uses ${dir}\n${tail}`);
  }
  return new EmbeddedFault('not-started', `${doing} failed\n${tail}`);
}
