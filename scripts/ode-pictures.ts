/** Draws the pictures of docs/ode.md anew, by the examples and `odecast solve` themselves: about two minutes of one core. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const EXAMPLES = ['spiral-fit', 'tolerance-cost', 'adjoint-memory'];
const PROBLEMS = ['growth', 'lotka-volterra', 'van-der-pol-stiff'];

const RUNS = [
  ...EXAMPLES.map((name) => [`examples/${name}.ts`]),
  ...PROBLEMS.map((name) => ['cli/main.ts', 'solve', name, '--plot', `docs/plots/${name}.svg`]),
];

for (const run of RUNS) execFileSync(process.execPath, ['--import', 'tsx', ...run], { cwd: ROOT, stdio: 'inherit' });
