import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CliError } from '../../../cli/errors.ts';
import { createProblem } from '../../../cli/solve/problem.ts';

/** The value of an expression in t and y. */
function valueAt(text: string, t: number, y: number): number {
  const { field } = createProblem({ field: text, y0: '0', t1: 1 });
  return field.evaluate(t, Float64Array.of(y), new Float64Array(0))[0];
}

describe('expressions', () => {
  it.each([
    ['1 + 2*3', 7],
    ['2^3^2', 512],
    ['-3^2', -9],
    ['2**-1', 0.5],
    ['(1 + 2)*3', 9],
    ['8/4/2', 1],
    ['1 - 2 - 3', -4],
    ['1e3 + .5', 1000.5],
    ['y*sin(t)^2', 2 * Math.sin(3) ** 2],
    ['exp(log(y)) + abs(-y) + sqrt(4)', 6],
    ['tan(t) + tanh(t) + cos(pi)', Math.tan(3) + Math.tanh(3) - 1],
  ])('%s is %d at t = 3, y = 2 (1e-12)', (text, value) => {
    expect(Math.abs(valueAt(text, 3, 2) - value)).toBeLessThan(1e-12);
  });

  it('gives exact derivatives: ∂/∂y of y*sin(t)^2 + y^3 by its vjp, 1e-12', () => {
    const { field } = createProblem({ field: 'y*sin(t)^2 + y^3', y0: '0', t1: 1 });
    const none = new Float64Array(0);
    const slope = field.vjp?.(3, Float64Array.of(2), none, Float64Array.of(1)).y[0] ?? Number.NaN;
    expect(Math.abs(slope - (Math.sin(3) ** 2 + 12))).toBeLessThan(1e-12);
  });

  it.each([
    ['', /Give a field/],
    ['y +', /ends early/],
    ['3y', /"y" is not expected/],
    ['sin t', /"sin" is not known|"t" is not expected/],
    ['(y', /ends early/],
    ['y $ 2', /"\$" means nothing/],
    ['constructor', /"constructor" is not known; there are t, y/],
    ['__proto__(y)', /not known/],
    ['y;y0', /y1' = …|y0 has|not known|numbers/],
    ['1'.repeat(2000), /longer than 1000/],
  ])('refuses %j with a sentence', (text, why) => {
    expect(() => valueAt(text, 0, 0)).toThrow(why);
  });

  it('whatever is typed, it is read or refused with a CliError', () => {
    const letters = fc.constantFrom(..."yt01.+-*/^()e; '=sincoxp");
    fc.assert(
      fc.property(fc.string({ unit: letters, maxLength: 30 }), (text) => {
        try {
          expect(typeof valueAt(text, 1, 1)).toBe('number');
        } catch (error) {
          expect(error).toBeInstanceOf(CliError);
        }
      }),
    );
  });

  it('depth alone does not end the process', () => {
    expect(() => valueAt(`${'('.repeat(999)}y`, 0, 0)).toThrow(CliError);
    expect(() => valueAt(`${'-'.repeat(998)}y`, 0, 2)).toThrow(/nested more than 100 deep/);
    expect(valueAt(`${'-'.repeat(98)}y`, 0, 2)).toBe(2);
    expect(valueAt(`${'('.repeat(90)}y${')'.repeat(90)}${'+y'.repeat(400)}`, 0, 2)).toBe(802);
  });
});
