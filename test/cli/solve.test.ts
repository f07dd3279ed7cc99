import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type SolveCommandOptions, solveProblem } from '../../cli/commands/solve.ts';
import { NAMED_PROBLEMS } from '../../cli/solve/named-problems.ts';
import { createProblem } from '../../cli/solve/problem.ts';
import { errorAt, runMethod, timesTo } from '../../cli/solve/run.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'solve-'));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

async function printed(name: string | undefined, options: SolveCommandOptions = {}): Promise<string> {
  const lines: string[] = [];
  vi.spyOn(console, 'log').mockImplementation((text: string) => void lines.push(text));
  await solveProblem(name, options);
  return lines.join('\n');
}

describe('named problems', () => {
  const exact = Object.entries(NAMED_PROBLEMS).filter(([name, { exact }]) => exact && name !== 'blow-up');
  it.each(exact)('%s: the formula of the exact solution is one (tsit5 at 1e-10 within 1e-6 of it)', (_, text) => {
    const problem = createProblem(text);
    const run = runMethod(problem, 'tsit5', { rtol: 1e-10, atol: 1e-12 });
    for (const t of timesTo(problem, run.end, 20)) {
      const size = Math.max(1, ...run.at(t).map(Math.abs));
      expect((errorAt(run, problem.exact, t) ?? Number.NaN) / size).toBeLessThan(1e-6);
    }
  });

  it('Euler beside RK4: 100 steps each, both errors in the table', async () => {
    const text = await printed('growth');
    expect(text).toMatch(/^euler +101 +100 +0 +16000 /m);
    expect(text).toMatch(/^rk4 +401 +100 +0 +0\.34 /m);
  });

  it.each([
    ['blow-up', 0.5, 1e-5],
    ['not-unique', 0, 1e-3],
  ])('%s ends in a status that names the time %d (±%d)', async (name, time, tolerance) => {
    const found = /^tsit5 .* (?:min-step|non-finite) at t = (\S+)$/m.exec(await printed(name));
    expect(Math.abs(Number(found?.[1]) - time)).toBeLessThan(tolerance);
  });

  it('what is stiff is said, with a method to try', async () => {
    const text = await printed('van-der-pol-stiff');
    expect(text).toMatch(/^kvaerno5 .*success$/m);
    expect(text).toMatch(/^tsit5 .*yes +max-steps at t = /m);
    expect(text).toContain('try kvaerno5');
  });

  it('without a name, they are listed', async () => {
    const text = await printed(undefined);
    for (const name of Object.keys(NAMED_PROBLEMS)) expect(text).toContain(name);
  });
});

describe('typed problems', () => {
  it('a field, a start, and the exact solution', async () => {
    const exact = '2*exp(t/2 - sin(2*t)/4)';
    const text = await printed(undefined, { field: 'y*sin(t)^2', y0: '2', t1: 10, exact, method: ['dop853'] });
    expect(text).toMatch(/^10 +236\.25\d+ +236\.2548 /m);
    expect(text).toMatch(/^dop853 .*success$/m);
  });

  it('two components by name; without an exact solution, a reference', async () => {
    const text = await printed(undefined, { field: "a' = b; b' = -a", y0: '1, 0', t1: 1 });
    expect(text).toMatch(/^ *t +a +b +reference a +reference b +error$/m);
    expect(text).toMatch(/^ *1 +0\.5403\d+ +-0\.8414\d+ /m);
  });

  it.each<[string | undefined, SolveCommandOptions, RegExp]>([
    ['nothing', {}, /There is no problem "nothing"/],
    ['toString', {}, /There is no problem "toString"/],
    ['growth', { field: 'y', y0: '1' }, /not both/],
    [undefined, { field: 'y' }, /--y0/],
    [undefined, { field: 'y', y0: '1,2' }, /y0 has 2 numbers; give 1: y/],
    [undefined, { field: 'y', y0: 'one' }, /must be numbers/],
    [undefined, { field: "x'' = -x; y' = x", y0: '1' }, /first order .* second order/],
    [undefined, { field: "x' = 1; x' = 2", y0: '1, 2' }, /only one "x"/],
    ['growth', { method: ['rk5'] }, /There is no method "rk5"; there are euler/],
    ['free-fall', { rtol: -1 }, /rtol -1/],
    ['free-fall', { plot: 'picture.gif' }, /\.svg or \.png/],
  ])('%s with %j is refused with a sentence', async (name, options, why) => {
    await expect(printed(name, options)).rejects.toThrow(why);
  });
});

it('more steps than memory holds end in a status', async () => {
  expect(await printed('growth', { method: ['euler'], steps: 10_000_000 })).toMatch(/^euler .*max-steps at t = 0\.1$/m);
});

describe('pictures', () => {
  it('SVG: solution, error and vector field', async () => {
    const plot = join(folder, 'picture.svg');
    await printed('lotka-volterra', { plot, method: ['rk4', 'tsit5'] });
    const svg = readFileSync(plot, 'utf8');
    for (const text of ['solution', 'error', 'vector field', 'rk4', 'tsit5', 'hares'])
      expect(svg).toContain(`>${text}`);
    expect(svg).not.toContain('NaN');
  });

  it('PNG, of a solution that blows up', async () => {
    const plot = join(folder, 'picture.png');
    await printed('blow-up', { plot });
    expect(readFileSync(plot).subarray(1, 4).toString()).toBe('PNG');
  });
});
