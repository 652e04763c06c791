/** Ids of checks that are gone. They stand in stored reports and policies, so that no new check may take one. */
export const retiredIds: readonly string[] = [];
