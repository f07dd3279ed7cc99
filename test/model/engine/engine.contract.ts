/** What every engine must do, run on each that the machine has; the oracle in `test/oracle` knows the answers. */
import { describe } from 'vitest';
import { decodeCases } from './contract/decode-cases.ts';
import { failureCases } from './contract/failure-cases.ts';
import { gradientCases } from './contract/gradient-cases.ts';
import { independenceCases } from './contract/independence-cases.ts';
import { leakCase } from './contract/leak-case.ts';
import { oracleCases } from './contract/oracle-cases.ts';
import { type Claims, type EngineUnderTest, Subject } from './contract/under-test.ts';

export type { EngineUnderTest } from './contract/under-test.ts';

export function engineContract(name: string, claims: Claims, load: () => Promise<EngineUnderTest>): void {
  const subject = new Subject(claims, load);
  describe(`engine contract: ${name}`, () => {
    oracleCases(subject);
    gradientCases(subject);
    decodeCases(subject);
    independenceCases(subject);
    failureCases(subject);
    leakCase(subject);
  });
}
