/**
 * Our engines as contestants: `tsx bench/engine/ours.ts native | wasm-relaxed | wasm-plain | tfjs`. The bare field runs through the
 * kernels' own job; the latent ODE through the `Engine`.
 */

import type { Engine } from '../../model/engine/engine.ts';
import { createFusedEngine } from '../../model/engine/fused/fused-engine.ts';
import { type Kernels, loadKernels } from '../../model/engine/fused/kernels.ts';
import { selectEngine } from '../../model/engine/select.ts';
import type { GradientMode, ModelSpec } from '../../model/latent/spec.ts';
import { type BareSolve, prepareBareSolve } from './bare-solve.ts';
import { query, trainingStep } from './model-work.ts';
import { FIELD_NAMES, type FieldName, FORWARD_STEPS, GRADIENT_STEPS, STEP, spiralsSpec } from './problem.ts';
import { type Offers, serve } from './serve.ts';

const [choice = 'native'] = process.argv.slice(2);
if (choice === 'tfjs') await serveTfjs();
else await serveKernels(choice);

async function serveKernels(name: string): Promise<void> {
  const { description } = await loadKernels({ choice: name });
  // An arena of its own for each, so that no job is laid over another's.
  const each = () => loadKernels({ choice: name });
  const open = async (spec: ModelSpec) => createFusedEngine(spec, await each());
  await serve(
    `fused ${name}`,
    { kernels: description },
    { ...fieldOffers(each), ...modelOffers(open, 'checkpointed') },
  );
}

async function serveTfjs(): Promise<void> {
  const provider = await selectEngine({ preference: 'tfjs' });
  const open = async (spec: ModelSpec) => provider.open(spec);
  await serve('tfjs', { engine: provider.description }, modelOffers(open, 'backprop'));
}

function fieldOffers(kernels: () => Promise<Kernels>): Offers {
  const solves = FIELD_NAMES.flatMap((field) => Object.entries(solvesOf(field)));
  return Object.fromEntries(
    solves.map(([row, solve]) => [row, { 'one call': async () => prepareBareSolve(await kernels(), solve) }]),
  );
}

function solvesOf(field: FieldName): Readonly<Record<string, BareSolve>> {
  const rk4 = { field, gain: 1, method: 'rk4', spacing: STEP, tolerance: 1e-3 } as const;
  const adaptive = { field, gain: 2, method: 'dopri5', steps: 1, spacing: 1, tolerance: 1e-3 } as const;
  return {
    [`forward-${field}`]: { ...rk4, gradient: undefined, steps: FORWARD_STEPS },
    [`gradient-${field}`]: { ...rk4, gradient: 'checkpointed', steps: GRADIENT_STEPS },
    [`dopri5-${field}`]: { ...adaptive, gradient: undefined, spacing: 10, tolerance: 1e-6 },
    [`dopri5-gradient-${field}`]: { ...adaptive, gradient: 'checkpointed' },
    [`dopri5-adjoint-${field}`]: { ...adaptive, gradient: 'adjoint' },
  };
}

function modelOffers(open: (spec: ModelSpec) => Promise<Engine>, gradient: GradientMode): Offers {
  const [rk4, tsit5] = [spiralsSpec('rk4', gradient), spiralsSpec('tsit5', gradient)];
  return {
    'spirals-rk4': { [gradient]: async () => trainingStep(await open(rk4)) },
    'spirals-tsit5': { [gradient]: async () => trainingStep(await open(tsit5)) },
    'query-1': { 'from observations to distributions': async () => query(await open(rk4), 1) },
    'query-64': { 'from observations to distributions': async () => query(await open(rk4), 64) },
  };
}
