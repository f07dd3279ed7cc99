import { createFusedEngine } from '../../model/engine/fused/fused-engine.ts';
import { loadKernels } from '../../model/engine/fused/kernels.ts';
import { prepareBareSolve } from './bare-solve.ts';
import { trainingStep } from './model-work.ts';
import { FIELD_NAMES, spiralsSpec } from './problem.ts';

const cpu = () => {
  const u = process.cpuUsage();
  return (u.user + u.system) / 1000;
};
async function time(name: string, run: () => unknown, reps: number) {
  let best = 1e9;
  let wall = 1e9;
  for (let i = 0; i < reps; i++) {
    const t = cpu();
    const w = performance.now();
    await run();
    best = Math.min(best, cpu() - t);
    wall = Math.min(wall, performance.now() - w);
  }
  console.log(name, 'cpu', best.toFixed(3), 'wall', wall.toFixed(3));
}
const choice = process.argv[2] ?? 'native';
console.log((await loadKernels({ choice })).description);
for (const field of FIELD_NAMES) {
  const a = { field, gain: 2, method: 'dopri5', steps: 1, spacing: 1, tolerance: 1e-3 } as const;
  for (const [n, s] of Object.entries({
    fwd: { ...a, gradient: undefined, spacing: 10, tolerance: 1e-6 },
    exact: { ...a, gradient: 'checkpointed' },
    adjoint: { ...a, gradient: 'adjoint' },
  } as const)) {
    const w = prepareBareSolve(await loadKernels({ choice }), s);
    await time(`${field} ${n}`, () => w.run(), 40);
  }
}
for (const m of ['rk4', 'tsit5'] as const) {
  const w = trainingStep(createFusedEngine(spiralsSpec(m, 'checkpointed'), await loadKernels({ choice })));
  await time(`spirals ${m}`, () => w.run(), 60);
}
process.exit(0);
