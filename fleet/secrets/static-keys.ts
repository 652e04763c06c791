// AWS has two kinds of long-lived and temporary access key ids; a value given to one of the names counts too, whatever it looks like.
const keyId = /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/;
const named = /(?:access_?key_?id|secret_?access_?key|aws_?session_?token)["']?\s*[:=]\s*(?!["']?(?:env:|file:|secret:\/\/))["']?[^\s"'#]/i;

/** Lines, from 1, of a configuration file that hold an AWS key of somebody: the server acts as its workload's own role. */
export function staticKeyLines(text: string): number[] {
  return text.split('\n').flatMap((line, index) => (keyId.test(line) || named.test(line) ? [index + 1] : []));
}
