/**
 * Writes `docs/api/ode.md` from the docstrings and types of what `odecast/ode` exports: the compiler's own declarations,
 * under headings. `npx tsx scripts/api-reference.ts`; a test fails when the page is out of date.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const ROOT = join(import.meta.dirname, '..');
const DOOR = 'model/ode';

/** Which files make up a chapter, in reading order. A file that no chapter names comes last, so that nothing is lost. */
const CHAPTERS: Readonly<Record<string, readonly string[]>> = {
  Solving: ['solve', 'solve-each', 'problem', 'integrate', 'events'],
  'The field': ['vector-field', 'formula', 'second-order', 'differences', 'no-parameters', 'lipschitz'],
  'Step control': ['controller', 'tolerance'],
  Gradients: ['gradient', 'adjoint', 'backprop', 'checkpointed', 'reversible', 'forward'],
  Methods: ['method', 'method-table', 'methods', 'tsit5', 'vern7', 'dop853', 'adams', 'leapfrog', 'stiff-methods'],
  'Methods of your own': ['tableau', 'explicit-runge-kutta', 'esdirk', 'rosenbrock'],
  'Spaces of states': ['state-space', 'float64-space'],
  Errors: ['ode-error'],
};

/** Names by the file that declares them. */
type Exports = ReadonlyMap<string, readonly string[]>;

interface Declaration {
  readonly name: string;
  readonly doc: string;
  readonly code: string;
}

/** The page's text. */
export function apiReference(): string {
  const folder = mkdtempSync(join(tmpdir(), 'declarations-'));
  try {
    emitDeclarations(folder);
    const exported = exportsOf(readFileSync(join(folder, 'index.d.ts'), 'utf8'));
    const named = new Set(Object.values(CHAPTERS).flat());
    const rest = [...exported.keys()].filter((file) => !named.has(file));
    const chapters = Object.entries(rest.length > 0 ? { ...CHAPTERS, Other: rest } : CHAPTERS).map(
      ([title, files]) =>
        [
          title,
          files.filter((file) => exported.has(file)).flatMap((file) => declarationsIn(folder, file, exported)),
        ] as const,
    );
    return `${[HEAD, contentsOf(chapters), ...chapters.map(chapterText)].join('\n\n')}\n`;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const HEAD = `# \`odecast/ode\`: API reference

*Written by \`npm run docs:api\` from the docstrings in \`${DOOR}/\`; do not edit. A tour: [docs/ode.md](../ode.md).*

Everything is imported from \`odecast/ode\`. Times are in the caller's unit; a bad argument throws an \`OdeError\`, a numerical failure is a
status in the result.`;

/** The compiler's options are those of the project, without its list of files. */
function emitDeclarations(folder: string): void {
  const { compilerOptions } = JSON.parse(readFileSync(join(ROOT, 'tsconfig.json'), 'utf8')) as {
    readonly compilerOptions: object;
  };
  const config = join(folder, 'tsconfig.json');
  const emit = { noEmit: false, declaration: true, emitDeclarationOnly: true, types: [] };
  const options = { ...compilerOptions, ...emit, rootDir: join(ROOT, DOOR), outDir: folder };
  writeFileSync(config, JSON.stringify({ compilerOptions: options, files: [join(ROOT, DOOR, 'index.ts')] }));
  const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
  execFileSync(process.execPath, [compiler, '-p', config], { cwd: ROOT, encoding: 'utf8' });
}

/** `export { a, type B } from './file.ts'`, the only kind of line that a door has. */
function exportsOf(door: string): Exports {
  const lines = door.matchAll(/^export (?:type )?\{([^}]*)\} from '\.\/([\w-]+)\.ts';/gm);
  return new Map(
    [...lines].map(([, names, file]) => [
      file,
      names
        .split(',')
        .map((name) => name.trim().replace(/^type /, ''))
        .filter((name) => name !== ''),
    ]),
  );
}

/** What the door takes from a file, wherever that file may have it from. */
function declarationsIn(folder: string, file: string, exported: Exports): Declaration[] {
  const others = readdirSync(folder).filter((name) => name.endsWith('.d.ts'));
  const found = [`${file}.d.ts`, ...others].flatMap((name) => split(readFileSync(join(folder, name), 'utf8')));
  return (exported.get(file) ?? []).map((name) => {
    const declaration = found.find((one) => one.name === name);
    if (declaration === undefined) throw new Error(`no declaration of ${name} is to be found: ${file}.ts exports it`);
    return declaration;
  });
}

/**
 * The compiler indents what is inside a declaration: one begins with `export` at the margin, with the comment that ends on
 * the line before it, and goes on to the next thing at the margin.
 */
function split(text: string): Declaration[] {
  const pieces = text.split(/^(?=\/\*\*|export |declare |import |interface |type )/m);
  return pieces.flatMap((code, i) => {
    const name = /^export (?:declare )?(?:const|function|class|interface|type) (\w+)/.exec(code)?.[1];
    const before = pieces[i - 1] ?? '';
    const doc = before.startsWith('/**') ? before : '';
    return name === undefined ? [] : [{ name, doc: textOf(doc), code: tidy(code) }];
  });
}

const textOf = (comment: string): string => comment.replace(/^\s*\/?\*+\/? ?|\s*\*\/\s*$/gm, '').trim();

const tidy = (code: string): string =>
  code
    .replace(/^export (declare )?/, '')
    .replace(/ {4}/g, '  ')
    .trim();

type Chapter = readonly [title: string, declarations: readonly Declaration[]];

/** Links as the page's reader makes them: in lower case, a second heading of the same letters with -1. */
function contentsOf(chapters: readonly Chapter[]): string {
  const seen = new Map<string, number>();
  const anchor = (heading: string): string => {
    const letters = heading.toLowerCase().replaceAll(' ', '-');
    const before = seen.get(letters) ?? 0;
    seen.set(letters, before + 1);
    return before === 0 ? letters : `${letters}-${before}`;
  };
  const line = ([title, declarations]: Chapter): string => {
    const chapter = `- **[${title}](#${anchor(title)})**: `;
    return chapter + declarations.map(({ name }) => `[\`${name}\`](#${anchor(name)})`).join(', ');
  };
  return chapters.map(line).join('\n');
}

function chapterText([title, declarations]: Chapter): string {
  return [`## ${title}`, ...declarations.map(declarationText)].join('\n\n');
}

function declarationText({ name, doc, code }: Declaration): string {
  const said = doc.replace(/\s*@throws\s+/g, '\n\nThrows: ').trim();
  return [`### ${name}`, ...(said ? [said] : []), `\`\`\`ts\n${code}\n\`\`\``].join('\n\n');
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  mkdirSync(join(ROOT, 'docs/api'), { recursive: true });
  writeFileSync(join(ROOT, 'docs/api/ode.md'), apiReference());
}
