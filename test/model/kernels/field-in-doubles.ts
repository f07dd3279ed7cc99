/** The sum of z(T)² over a batch whose field is a tanh MLP, in doubles: explicit steps written out, and nothing fast. */

export interface MlpShape {
  readonly latent: number;
  readonly units: number;
  readonly depth: number;
}

/** How one step goes. `fine`: the classic method with this many steps a knot, for whoever wants the true solution. */
export type Stepping = { readonly kind: 'rk4'; readonly fine: number } | { readonly kind: 'reversible-heun' };

export function parameterCount({ latent, units, depth }: MlpShape): number {
  return (latent + 1) * units + (depth - 1) * (units + 1) * units + (units + 1) * latent;
}

type Field = (z: readonly number[]) => number[];

/** Layer by layer, weights [in][out] before biases; tanh behind all but the last. */
export function mlpField({ latent, units, depth }: MlpShape, parameters: Float64Array): Field {
  return (z) => {
    let [x, at] = [[...z], 0];
    for (let layer = 0; layer <= depth; layer++) {
      const outputs = layer === depth ? latent : units;
      const bias = at + x.length * outputs;
      const sums = new Array<number>(outputs);
      for (let o = 0; o < outputs; o++) {
        let sum = parameters[bias + o];
        for (let i = 0; i < x.length; i++) sum += x[i] * parameters[at + i * outputs + o];
        sums[o] = layer === depth ? sum : Math.tanh(sum);
      }
      x = sums;
      at = bias + outputs;
    }
    return x;
  };
}

const along = (z: readonly number[], h: number, slope: readonly number[]): number[] =>
  z.map((value, i) => value + h * slope[i]);

function classicStep(f: Field, z: readonly number[], h: number): number[] {
  const k1 = f(z);
  const k2 = f(along(z, h / 2, k1));
  const k3 = f(along(z, h / 2, k2));
  const k4 = f(along(z, h, k3));
  return z.map((value, i) => value + (h / 6) * (k1[i] + 2 * (k2[i] + k3[i]) + k4[i]));
}

/** z after so many knots. Kidger et al. 2021: y' = 2z − y + h·f(y), z' = z + h/2·(f(y) + f(y')). */
export function solveInDoubles(
  f: Field,
  z0: readonly number[],
  { steps, spacing, stepping }: { readonly steps: number; readonly spacing: number; readonly stepping: Stepping },
): number[] {
  let z = [...z0];
  if (stepping.kind === 'rk4') {
    for (let i = 0; i < steps * stepping.fine; i++) z = classicStep(f, z, spacing / stepping.fine);
    return z;
  }
  let [y, k] = [z, f(z)];
  for (let i = 0; i < steps; i++) {
    y = z.map((value, c) => 2 * value - y[c] + spacing * k[c]);
    const next = f(y);
    z = z.map((value, c) => value + (spacing / 2) * (k[c] + next[c]));
    k = next;
  }
  return z;
}
