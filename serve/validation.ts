/** From zod's issues to one problem that names the field, tells what to do and lists the other faults. */
import type { z } from 'zod';
import { type FieldFault, jsonPointer, PROBLEMS, Problem, type ProblemCode } from './problem.ts';

/** Faults listed beside the first. */
const MAX_FAULTS = 10;

/** @throws Problem with the code of the first fault. @param at pointer to where `value` stands in the body. */
export function validate<T>(schema: z.ZodType<T>, value: unknown, at = ''): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const { issues } = parsed.error;
  const faults = issues.slice(0, MAX_FAULTS).map((issue) => faultOf(issue, at));
  const more = issues.length > 1 ? { extensions: { errors: faults } } : {};
  throw new Problem(codeOf(issues[0]), sentenceOf(faults[0]), { field: faults[0].field, ...more });
}

function codeOf(issue: z.core.$ZodIssue): ProblemCode {
  if (issue.code === 'unrecognized_keys') return 'unknown-field';
  const code = issue.code === 'custom' ? issue.params?.problem : undefined;
  return isProblemCode(code) ? code : 'invalid-request';
}

function isProblemCode(code: unknown): code is ProblemCode {
  return typeof code === 'string' && Object.hasOwn(PROBLEMS, code);
}

/** An unknown field is pointed at itself, not at the object that holds it. */
function faultOf(issue: z.core.$ZodIssue, at: string): FieldFault {
  const path = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0]] : issue.path;
  return { field: at + jsonPointer(path), detail: issue.message };
}

function sentenceOf({ field, detail }: FieldFault): string {
  const sentence = detail.endsWith('.') ? detail : `${detail}.`;
  return field === '' ? `The body: ${sentence}` : `${field}: ${sentence}`;
}
