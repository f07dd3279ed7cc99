/**
 * Sine and cosine of absolute event time, so that the hour of the day and the day of the week are part of the vector
 * field. Milliseconds since the epoch need 41 bits and f32 has 24: the phase is taken in f64, on the host, always.
 */
import type { ModelSpec } from './spec.ts';

/** [P] phase (radians) of an absolute event time (ms) in each period (ms). */
export function phasesAt(originMs: number, periodsMs: readonly number[]): number[] {
  return periodsMs.map((period) => (2 * Math.PI * (originMs % period)) / period);
}

/** [P] radians that each phase turns in one unit of model time. */
export function phaseRates(spec: ModelSpec): number[] {
  return spec.dynamics.periodsMs.map((period) => (2 * Math.PI * spec.timescaleMs) / period);
}

/** [B, 2P] sine then cosine of every period for each origin, at model time t: one row a sample. */
export interface PhaseTable {
  readonly rows: number;
  readonly columns: number;
  at(t: number): Float32Array;
}

/** The rows at any model time follow from the origins' by addition of angles: 2P sines and cosines a call, not 2PB. */
export function createPhaseTable(spec: ModelSpec, origins: ArrayLike<number>): PhaseTable {
  const periods = spec.dynamics.periodsMs;
  const rates = phaseRates(spec);
  const start = Array.from(origins, (origin) => phasesAt(origin, periods));
  const sines = start.map((row) => row.map(Math.sin));
  const cosines = start.map((row) => row.map(Math.cos));
  return {
    rows: origins.length,
    columns: 2 * periods.length,
    at: (t) =>
      rotate(
        sines,
        cosines,
        rates.map((rate) => rate * t),
      ),
  };
}

function rotate(sines: readonly number[][], cosines: readonly number[][], angles: readonly number[]): Float32Array {
  const count = angles.length;
  const out = new Float32Array(sines.length * 2 * count);
  for (let p = 0; p < count; p++) {
    const [sine, cosine] = [Math.sin(angles[p]), Math.cos(angles[p])];
    for (let b = 0; b < sines.length; b++) {
      out[b * 2 * count + p] = sines[b][p] * cosine + cosines[b][p] * sine;
      out[b * 2 * count + count + p] = cosines[b][p] * cosine - sines[b][p] * sine;
    }
  }
  return out;
}
