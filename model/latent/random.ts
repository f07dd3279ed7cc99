/**
 * Seeded randomness for everything that must be reproducible: initial weights, batches, posterior noise. A small, fast
 * generator on 32-bit integers, the same bits on every machine. Not for secrets.
 */

export interface Random {
  /** Uniform on [0, 1), 53 bits. */
  uniform(): number;
  /** Standard normal. */
  normal(): number;
  /** Uniform integer of 0 … n−1, without modulo bias. `n` from 1 to 2³². */
  int(n: number): number;
  /**
   * An independent generator named by the label. It depends on the seed and the path of labels only, not on what was
   * drawn before: code that draws more numbers in one place does not change another place.
   */
  fork(label: string | number): Random;
}

/** A generator whose whole stream follows from the seed. */
export function createRandom(seed: number | string): Random {
  return fromKey(hash128(`${seed}`));
}

type Key = readonly [number, number, number, number];

function fromKey(key: Key): Random {
  const next = sfc32(key);
  const uniform = () => (next() * 0x200000 + (next() >>> 11)) / 0x20000000000000;
  return {
    uniform,
    normal: polarNormals(uniform),
    int: (n) => boundedInteger(next, n),
    fork: (label) => fromKey(hash128(`${key.join(',')}/${label}`)),
  };
}

/** "Small fast counter" generator of C. Doty-Humphrey's PractRand: 128 bits of state, one of them a counter. */
function sfc32([a, b, c, counter]: Key): () => number {
  const next = () => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  };
  for (let i = 0; i < 16; i++) next();
  return next;
}

/** Marsaglia's polar method (1964): two normals from each accepted point of the unit disc. */
function polarNormals(uniform: () => number): () => number {
  let spare: number | undefined;
  return () => {
    if (spare !== undefined) {
      const kept = spare;
      spare = undefined;
      return kept;
    }
    const [x, y, radius2] = pointInDisc(uniform);
    const factor = Math.sqrt((-2 * Math.log(radius2)) / radius2);
    spare = y * factor;
    return x * factor;
  };
}

function pointInDisc(uniform: () => number): [number, number, number] {
  for (;;) {
    const x = 2 * uniform() - 1;
    const y = 2 * uniform() - 1;
    const radius2 = x * x + y * y;
    if (radius2 > 0 && radius2 < 1) return [x, y, radius2];
  }
}

/** Rejection keeps every outcome equally likely. */
function boundedInteger(next: () => number, n: number): number {
  if (!(Number.isInteger(n) && n >= 1 && n <= 0x100000000)) throw new RangeError(`int(n) needs 1 ≤ n ≤ 2³², got ${n}`);
  const limit = 0x100000000 - (0x100000000 % n);
  for (;;) {
    const draw = next();
    if (draw < limit) return draw % n;
  }
}

/** Four 32-bit words from a string: FNV-1a with four offsets, each finished by MurmurHash3's avalanche. */
function hash128(text: string): Key {
  return [hash32(text, 0x811c9dc5), hash32(text, 0x9e3779b9), hash32(text, 0x85ebca6b), hash32(text, 0xc2b2ae35)];
}

function hash32(text: string, offset: number): number {
  let h = offset;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) | 0;
}
