/** What is said of a policy that is fine in itself, and not for this instance. */
export const instanceMessages = {
  noAlias: (alias: string) => `is missing: a policy of this instance says "alias: ${alias}"`,
  otherAlias: (given: string, alias: string) => `the policy is for instance "${given}", this one is "${alias}"`,
  otherRegion: (given: string, region: string) => `the policy is for Region ${given}, this instance is in ${region}`,
  otherId: (given: string, id: string) => `the policy calls itself "${given}", and is sent as "${id}"`,
};
