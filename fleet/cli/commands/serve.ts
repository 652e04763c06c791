import type { Command } from '../command.ts';

export const serve: Command = {
  name: 'serve',
  summary: 'run the server',
  usage: '[options]',
  help: `Runs until SIGTERM or Ctrl-C, then answers what it has taken in and stops. Logs one JSON object
a line to standard output; {"event":"ready"} tells that both listeners take calls.`,
  options: {},
  positionals: { least: 0, most: 0 },
  async run(_given, context) {
    await context.serve();
    return 0;
  },
};
