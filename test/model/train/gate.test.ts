import { describe, expect, it } from 'vitest';
import { decide, type GateEntry } from '../../../model/train/gate.ts';

function entry(crps: number, failures = 0, coverage = 0.8): GateEntry {
  const scores = { rmse: 1, mae: 1, mase: 1, crps, coverage: { '0.8': coverage }, width: { '0.8': 1 }, count: 9 };
  return { record: { extrapolation: scores, interpolation: scores }, failures };
}

describe('the gate', () => {
  it.each([
    ['the first model', entry(1), undefined, true, /no champion yet/],
    ['a better one', entry(0.9), entry(1), true, /^better: CRPS 0\.9000 against the champion’s 1\.000 \(−10\.0 %\)/],
    ['one that is as good within 2 %', entry(1.01), entry(1), true, /within the tolerance/],
    ['a worse one', entry(1.1), entry(1), false, /worse by more than \+2\.0 %/],
    ['one without finite answers', entry(0.1, 3), entry(1), false, /3 held-out windows had no finite answer/],
    ['one whose score is no number', entry(Number.NaN), undefined, false, /not finite/],
    ['one after a champion that fails now', entry(5), entry(1, 2), true, /champion has no finite answer/],
  ])('%s', (_, candidate, incumbent, publish, reason) => {
    const decision = decide(candidate, incumbent);
    expect(decision.publish).toBe(publish);
    expect(decision.reasons[0]).toMatch(reason);
  });

  it('says where intervals cover what they should not', () => {
    expect(decide(entry(1, 0, 0.3), undefined).reasons[1]).toBe('its 80 % interval covers 30 %');
  });
});
