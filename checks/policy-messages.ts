/** What is said of a policy's text: in English, like every message about a file that somebody writes. */
export const policyMessages = {
  empty: 'the policy is empty',
  duplicateKey: (key: string) => `the key "${key}" stands twice`,
  severalDocuments: 'only one document is allowed in a policy',
  syntax: (detail: string) => `not valid YAML: ${detail.charAt(0).toLowerCase()}${detail.slice(1)}`,
  directive: 'directives are not allowed in a policy',
  alias: 'anchors and aliases are not allowed in a policy',
  tag: (tag: string) => `tags are not allowed in a policy: ${tag}`,
  mergeKey: 'merge keys are not allowed in a policy',
  tooDeep: 'nested too deeply for a policy',
  missing: 'is missing',
  didYouMean: (message: string, near: string) => `${message}; did you mean "${near}"?`,
};
