/** Every bundle that can hold a softphone; its helpers, which record for it, lie inside. */
const BROWSER_BUNDLE = /\/(Google Chrome|Chromium|Microsoft Edge|Firefox|Brave Browser|Opera|Vivaldi|Deskwarden|Electron)\.app\//;

/**
 * `pmset -g assertions`: the processes for which the audio daemon holds an input, each once. Null for an output of another
 * form, as where an input is held for nobody named.
 */
export function readAudioInputPids(text: string): number[] | null {
  const [, listed] = text.split(/^Listed by owning process:$/m);
  if (!text.includes('Assertion status system-wide:') || listed === undefined) return null;
  const pids = new Set<number>();
  for (const entry of listed.split(/^ {3}(?=pid \d+\()/m).filter((part) => /^pid \d+\(coreaudiod\): /.test(part))) {
    const resources = /^\s+Resources: (.*)$/m.exec(entry)?.[1]?.split(/\s+/) ?? [];
    if (resources.includes('audio-in')) {
      const pid = /^\s+Created for PID: (\d{1,10})\./m.exec(entry)?.[1];
      if (pid === undefined) return null;
      pids.add(Number(pid));
    } else if (!resources.includes('audio-out')) return null;
  }
  return [...pids];
}

/** `ps -ww -o pid=,uid=,comm=`, where the command is the whole path of the image. */
export function runsAgentsBrowser(text: string, agentUids: readonly number[]): boolean {
  return text.split('\n').some((line) => {
    const [, uid, image] = /^\s*\d+\s+(\d+)\s+(\/.+)$/.exec(line) ?? [];
    return image !== undefined && agentUids.includes(Number(uid)) && BROWSER_BUNDLE.test(image);
  });
}
