import { openEmbedded } from '../../../fleet/db/embedded.ts';
import { testBinaries } from '../database-server.ts';
import { thisMachine } from '../this-machine.ts';

// A fleet process as far as its database goes: says on one line how it went, and stops in order at the end of its input.
const [dir = ''] = process.argv.slice(2);

try {
  const server = await openEmbedded({ dir, machine: thisMachine, binaries: testBinaries(), settings: ['shared_buffers=16MB'] });
  console.log(JSON.stringify(server));
  process.stdin.resume().on('end', async () => {
    await server.stop();
    process.exit(0);
  });
} catch (error) {
  console.log(JSON.stringify({ code: (error as { code?: string }).code ?? 'fault', message: String(error) }));
  process.exit(1);
}
