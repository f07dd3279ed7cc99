/** When steps that stability holds back have become a habit: after Hairer and Wanner II, IV.2. */

export interface StiffnessWatch {
  stiff: number;
  mild: number;
}

/** Steps between two looks while nothing is suspected: a look costs as much as a tenth of a step. */
const LOOK_EVERY = 20;
const STIFF_STEPS = 15;
const MILD_STEPS = 6;

export function createStiffnessWatch(): StiffnessWatch {
  return { stiff: 0, mild: 0 };
}

export function shouldLook(watch: StiffnessWatch, accepted: number): boolean {
  return watch.stiff > 0 || accepted % LOOK_EVERY === 0;
}

/** Takes one look's ratio; true once the field looks stiff. */
export function sawStiffness(watch: StiffnessWatch, ratio: number): boolean {
  if (ratio > 0.9) {
    watch.stiff++;
    watch.mild = 0;
  } else if (watch.stiff > 0 && ++watch.mild === MILD_STEPS) {
    watch.stiff = 0;
    watch.mild = 0;
  }
  return watch.stiff >= STIFF_STEPS;
}
