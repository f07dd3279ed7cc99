/** Training never blocks the thread that answers: steps of tenths of a second on all cores, and the server answers meanwhile. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { freePort, type Odecast, runOdecast, stop, temporaryFolder, until } from './odecast-process.ts';

const HOUR = 3_600_000;
const EVENTS = 1000;

/** Large for no other reason than that a step shall take long. */
const config = {
  streams: [
    {
      name: 'tanks',
      channels: ['level'],
      window: '3d',
      horizon: '1d',
      model: { latentSize: 32, dynamicsUnits: 128, knots: 64 },
      training: { batchSize: 2048 },
    },
  ],
};

let odecast: Odecast | undefined;
afterAll(() => odecast?.child.kill('SIGKILL'));

it('probes are answered within half a step, nine of ten within a tenth, while steps are taken on all cores', async () => {
  const port = await freePort();
  const folder = temporaryFolder('beside');
  const file = join(folder, 'odecast.config.json');
  writeFileSync(file, JSON.stringify(config));
  odecast = runOdecast(['start', '--config', file], { ODECAST_DATA: join(folder, 'data'), ODECAST_PORT: `${port}` });
  const origin = `http://127.0.0.1:${port}`;
  await until(
    () => fetch(`${origin}/healthz`),
    ({ ok }) => ok,
    30_000,
    odecast,
  );
  await send(origin);
  await until(
    () => training(origin),
    ({ steps }) => steps > 2,
    60_000,
    odecast,
  );
  const before = await training(origin);
  const waits = await probes(origin, 300);
  const after = await training(origin);
  const stepMs = (1000 * (after.seconds - before.seconds)) / (after.steps - before.steps);
  console.log(
    `a step: ${stepMs.toFixed(0)} ms; a probe: ${waits[270].toFixed(1)} ms, at worst ${waits[299].toFixed(1)} ms`,
  );
  expect(after.steps).toBeGreaterThan(before.steps);
  expect(stepMs).toBeGreaterThan(100);
  expect(waits[270]).toBeLessThan(stepMs / 10);
  expect(waits[299]).toBeLessThan(stepMs / 2);
  await stop(odecast, 'SIGINT', 20_000);
});

async function send(origin: string): Promise<void> {
  const events = Array.from({ length: EVENTS }, (_, i) => ({
    series: `tank-${i % 3}`,
    time: new Date(Date.UTC(2026, 0, 1) + i * 0.4 * HOUR).toISOString(),
    values: { level: 10 + Math.sin(i / 20) },
  }));
  const response = await fetch(`${origin}/v1/streams/tanks/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(events),
  });
  expect(response.status).toBeLessThan(300);
}

/** What the trainer has told the serving process: it does so twice a second. */
async function training(origin: string): Promise<{ steps: number; seconds: number }> {
  const text = await (await fetch(`${origin}/metrics`)).text();
  const number = (name: string) => Number(new RegExp(`^odecast_${name}{[^}]*} (.+)$`, 'm').exec(text)?.[1] ?? 0);
  return {
    steps: number('training_windows_total') / config.streams[0].training.batchSize,
    seconds: performance.now() / 1000,
  };
}

/** How long each took, the shortest first, ms. */
async function probes(origin: string, count: number): Promise<number[]> {
  const waits: number[] = [];
  for (let i = 0; i < count; i++) {
    const asked = performance.now();
    await (await fetch(`${origin}/healthz`)).text();
    waits.push(performance.now() - asked);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return waits.sort((a, b) => a - b);
}
