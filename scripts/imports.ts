/**
 * What a TypeScript file imports, read from its syntax tree: static imports, re-exports, dynamic imports with a literal path,
 * and `import('…')` in type positions. Not here: paths that are built at run time, and `new URL('…', import.meta.url)`,
 * by which a worker is started rather than code imported.
 */
import { parseSync } from '@swc/core';

export type Import = {
  readonly specifier: string;
  /** True if nothing of the import is left at run time. */
  readonly typeOnly: boolean;
};

type Node = { readonly [key: string]: unknown };

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null;

/** All imports of `source`, in the order of the text. Throws the parser's error on invalid syntax. */
export function importsOf(source: string): Import[] {
  const found: Import[] = [];
  collect(parseSync(source, { syntax: 'typescript', target: 'es2022' }).body, found);
  return found;
}

function collect(tree: unknown, found: Import[]): void {
  if (!isNode(tree)) return;
  const here = Array.isArray(tree) ? undefined : importAt(tree);
  if (here !== undefined) found.push(here);
  for (const child of Object.values(tree)) collect(child, found);
}

function importAt(node: Node): Import | undefined {
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportNamedDeclaration':
    case 'ExportAllDeclaration':
      return literal(node.source, node.typeOnly === true);
    case 'TsImportType':
      return literal(node.argument, true);
    case 'CallExpression':
      return isNode(node.callee) && node.callee.type === 'Import' ? literal(firstArgument(node), false) : undefined;
    default:
      return undefined;
  }
}

function firstArgument(call: Node): unknown {
  const [first] = Array.isArray(call.arguments) ? call.arguments : [];
  return isNode(first) ? first.expression : undefined;
}

function literal(node: unknown, typeOnly: boolean): Import | undefined {
  return isNode(node) && typeof node.value === 'string' ? { specifier: node.value, typeOnly } : undefined;
}
