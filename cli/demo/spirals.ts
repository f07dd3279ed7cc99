/**
 * A simulated stream with known truth: noisy two-dimensional spirals after Chen et al. 2018, section 5.1, observed at
 * Poisson times. Everything is a pure function of the seed and of the clock: which spirals are alive at a time, when they
 * are observed and what is seen. So a restart goes on where the world is, and nobody has to keep the truth.
 */
import { createRandom, type Random } from '../../model/latent/random.ts';

export interface SpiralWorld {
  readonly seed: number;
  /** Spirals alive at any time. */
  readonly slots: number;
  /** Life of a spiral, ms. */
  readonly lifeMs: number;
  /** Mean observations a second of one spiral. */
  readonly rate: number;
  /** Standard deviation of the noise of an observation. */
  readonly noise: number;
}

export const SPIRAL_WORLD: SpiralWorld = { seed: 20261122, slots: 4, lifeMs: 150_000, rate: 1, noise: 0.1 };

export interface SpiralEvent {
  readonly series: string;
  readonly time: number;
  readonly values: { readonly x: number; readonly y: number };
}

/** Curves of the published example: r = 0.3 t outwards, or r = 15/z inwards, over 500 points of 0.0378 up to 6π. */
const STOP = 6 * Math.PI;
const UNIT_PER_MS = 0.0378 / 600;
const FIRST_UNIT = 100 * 0.0378;
/** How long after its last observation the truth of a spiral is still known. */
const AFTERLIFE_MS = 40_000;
const STARTS = 60 * 0.0378;

/** One spiral: the `cycle`-th life of a slot. Slots are shifted so that they do not all end at once. */
interface Spiral {
  readonly series: string;
  readonly bornAt: number;
  readonly clockwise: boolean;
  /** Curve parameter t at birth. */
  readonly start: number;
  readonly random: Random;
}

function spiralOf(world: SpiralWorld, slot: number, cycle: number): Spiral {
  const random = createRandom(world.seed).fork(`${slot}/${cycle}`);
  const bornAt = (cycle + slot / world.slots) * world.lifeMs;
  const clockwise = random.uniform() < 0.5;
  return {
    series: `spiral-${slot}-${cycle}`,
    bornAt,
    clockwise,
    start: FIRST_UNIT + random.uniform() * STARTS,
    random,
  };
}

function position(spiral: Spiral, timeMs: number): [number, number] {
  const t = spiral.start + (timeMs - spiral.bornAt) * UNIT_PER_MS;
  return spiral.clockwise ? inwards(t) : outwards(t);
}

function inwards(t: number): [number, number] {
  const z = STOP + 1 - t;
  const r = 15 / z;
  return [r * Math.cos(z) - 5, r * Math.sin(z)];
}

function outwards(t: number): [number, number] {
  const r = 0.3 * t;
  return [r * Math.cos(t) + 5, r * Math.sin(t)];
}

/** All observations of one spiral, in order of time. */
function observationsOf(world: SpiralWorld, spiral: Spiral): SpiralEvent[] {
  const { random } = spiral;
  const events: SpiralEvent[] = [];
  const gap = () => (-Math.log(1 - random.uniform()) / world.rate) * 1000;
  for (let t = spiral.bornAt + gap(); t < spiral.bornAt + world.lifeMs; t += gap()) {
    const [x, y] = position(spiral, t);
    events.push({
      series: spiral.series,
      time: t,
      values: { x: x + world.noise * random.normal(), y: y + world.noise * random.normal() },
    });
  }
  return events;
}

/** The observations with from < time ≤ to, of all spirals, in order of time. */
export function spiralEvents(world: SpiralWorld, from: number, to: number): SpiralEvent[] {
  const events: SpiralEvent[] = [];
  for (let slot = 0; slot < world.slots; slot++) {
    const cycleAt = (t: number) => Math.floor(t / world.lifeMs - slot / world.slots);
    for (let cycle = cycleAt(from); cycle <= cycleAt(to); cycle++) {
      events.push(...observationsOf(world, spiralOf(world, slot, cycle)));
    }
  }
  return events.filter((e) => e.time > from && e.time <= to).sort((a, b) => a.time - b.time);
}

/** The true position of a series at any time, or undefined where there is no such spiral. */
export function spiralTruth(world: SpiralWorld, series: string): ((timeMs: number) => number[]) | undefined {
  const parts = /^spiral-(\d{1,6})-(\d{1,12})$/.exec(series);
  if (!parts || Number(parts[1]) >= world.slots) return undefined;
  const spiral = spiralOf(world, Number(parts[1]), Number(parts[2]));
  return (timeMs) => position(spiral, clampToLife(world, spiral, timeMs));
}

/** The inward curve has a pole soon after a life ends: outside of what is defined the spiral rests. */
function clampToLife(world: SpiralWorld, spiral: Spiral, timeMs: number): number {
  return Math.min(Math.max(timeMs, spiral.bornAt), spiral.bornAt + world.lifeMs + AFTERLIFE_MS);
}
