/** A Dockerfile as stages of instructions: line continuations joined, comments dropped. No heredocs. */
import path from 'node:path';

export const REPOSITORY = path.join(import.meta.dirname, '../..');

export type Instruction = { readonly name: string; readonly value: string };
export type Stage = { readonly name: string; readonly from: string; readonly instructions: readonly Instruction[] };

export function stages(dockerfile: string): Stage[] {
  const found: { name: string; from: string; instructions: Instruction[] }[] = [];
  for (const { name, value } of instructions(dockerfile)) {
    if (name === 'FROM') {
      const [from, , stage = ''] = value.split(/\s+/);
      found.push({ name: stage, from, instructions: [] });
    } else found.at(-1)?.instructions.push({ name, value });
  }
  return found;
}

function instructions(dockerfile: string): Instruction[] {
  const text = dockerfile.replace(/^\s*#.*\n/gm, '').replace(/\\\n\s*/g, '');
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.map((line) => {
    const [, name = '', value = ''] = /^(\w+)\s+(.*)$/.exec(line) ?? [];
    return { name: name.toUpperCase(), value };
  });
}

/** What a `.dockerignore` that begins with `*` lets through again. */
export const allowed = (dockerignore: string): string[] =>
  dockerignore
    .split('\n')
    .filter((line) => line.startsWith('!'))
    .map((line) => line.slice(1));
