/** The double next to a time, for fields that jump: a step ends just before a jump and the next starts just after. */
const double = new Float64Array(1);
const bits = new BigInt64Array(double.buffer);

/** The nearest double to `t` in the given direction (+1 or −1), for finite `t`. */
export function adjacent(t: number, direction: number): number {
  if (t === 0) return direction * Number.MIN_VALUE;
  double[0] = t;
  bits[0] += t > 0 === direction > 0 ? 1n : -1n;
  return double[0];
}
