import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { repoRoot } from '../repo.ts';

/** The text as Biome wants it in a file of this name. */
export function biomeFormat(fileName: string, text: string): string {
  const program = path.join(repoRoot, 'node_modules/@biomejs/biome/bin/biome');
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, 'format', `--stdin-file-path=${fileName}`], {
    cwd: repoRoot,
    input: text,
    encoding: 'utf8',
    maxBuffer: 16 * 1024 * 1024,
  });
  if (status !== 0) throw new Error(`biome cannot format ${fileName}: ${stderr}`);
  return stdout;
}
