import type { Snapshot } from '../../contracts/local-api.ts';
import { renderBundle } from '../bundle/render-bundle.ts';
import { writeBundle } from '../bundle/write-bundle.ts';
import type { Command } from './arguments.ts';
import { complain, readConfigOrDefaults, withDaemon } from './daemon-link.ts';
import { type Desk, EXIT_OUTPUT, EXIT_USAGE, type Place } from './desk.ts';
import { runMessages, bundleMessages as say } from './messages.ts';

export async function runBundle({ out, force }: Command & { kind: 'bundle' }, desk: Desk, place: Place): Promise<number> {
  const config = await readConfigOrDefaults(desk, place, false);
  if (config === null) return EXIT_USAGE;
  const sections = await desk.collectBundle({ config, snapshot: await askSnapshot(desk, place) });
  const text = renderBundle(sections);
  if (out === '-') {
    place.stdout.write(text);
    return 0;
  }
  const written = await writeBundle(out, text, force);
  if (written.ok) {
    place.stderr.write(`${say.written(out, Buffer.byteLength(text))}\n`);
    return 0;
  }
  if (written.why === 'system') complain(place, runMessages.cannotWrite(out, written.code));
  else complain(place, written.why === 'exists' ? say.exists(out) : say.notAFile(out));
  return EXIT_OUTPUT;
}

/** A bundle is wanted most when there is no talking to the daemon. */
async function askSnapshot(desk: Desk, place: Place): Promise<Snapshot | { unavailable: string }> {
  let snapshot: Snapshot | { unavailable: string } = { unavailable: 'not asked' };
  await withDaemon(
    desk,
    place,
    async (client) => {
      const answer = await client.snapshot();
      snapshot = answer.ok ? answer.value : { unavailable: `${answer.error.code}: ${answer.error.detail}` };
      return 0;
    },
    async (fault) => {
      snapshot = { unavailable: `${fault.code}: ${fault.message}` };
      return 0;
    },
  );
  return snapshot;
}
