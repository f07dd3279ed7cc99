/** From zod's issues to one problem that names the field, tells what to do and lists the other faults. */
import type { z } from 'zod';
import { type FieldFault, jsonPointer, PROBLEMS, Problem, type ProblemCode } from './problem.ts';

/** Faults listed beside the first. */
const MAX_FAULTS = 10;

/** @throws Problem with the code of the first fault. */
export function validate<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value, { error: explain });
  if (parsed.success) return parsed.data;
  const { issues } = parsed.error;
  const faults = issues.slice(0, MAX_FAULTS).map((issue) => faultOf(issue));
  const errors = issues.length > 1 ? faults : undefined;
  throw new Problem(codeOf(issues[0]), sentenceOf(faults[0]), { field: faults[0].field, errors });
}

/** Sentences for faults that a schema says nothing of itself about. */
function explain(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code !== 'invalid_type') return undefined;
  const wanted = KINDS[issue.expected] ?? issue.expected;
  return issue.input === undefined ? `is missing; give ${wanted}` : `must be ${wanted}, not ${kindOf(issue.input)}`;
}

const KINDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a finite number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
};

function kindOf(input: unknown): string {
  if (input === null) return 'null';
  if (Array.isArray(input)) return KINDS.array;
  return typeof input === 'number' ? String(input) : (KINDS[typeof input] ?? typeof input);
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
function faultOf(issue: z.core.$ZodIssue): FieldFault {
  const path = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0]] : issue.path;
  return { field: jsonPointer(path), detail: issue.message };
}

function sentenceOf({ field, detail }: FieldFault): string {
  const sentence = detail.endsWith('.') ? detail : `${detail}.`;
  return field === '' ? `The body: ${sentence}` : `${field}: ${sentence}`;
}
