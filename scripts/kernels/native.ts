/**
 * The native kernels as a Node-API addon, compiled by the machine's own C compiler (`CC`, else `cc`). The kernels are
 * compiled once for each vector width of the architecture, and the addon shows those that the CPU runs.
 */
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { ADDON, type NativeWidth } from '../../model/engine/fused/native-kernels.ts';
import { type Product, saidBy } from './product.ts';
import { KERNEL_FLAGS, kernelSources, sourceFolder, TRANSLATION_UNIT } from './sources.ts';

const DOOR = 'addon.c';

type Widths = ReadonlyMap<NativeWidth, readonly string[]>;

/** Flags of each build; `WIDTHS` of addon.c says what each asks of the CPU. */
const X64: Widths = new Map([
  ['avx512', ['-mavx512f', '-mavx512dq', '-mavx512bw', '-mavx512vl', '-mavx2', '-mfma', '-mprefer-vector-width=512']],
  ['avx2', ['-mavx2', '-mfma']],
  ['baseline', []],
]);
const ARM64: Widths = new Map([['neon', []]]);
const OTHER: Widths = new Map([['baseline', []]]);
const WIDTHS: Readonly<Record<string, Widths>> = { x64: X64, arm64: ARM64 };

/** Node.js brings the symbols of Node-API, which macOS must be told; its `cc` may default to another architecture. */
const APPLE_ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'arm64' };
const LINK_FLAGS: Readonly<Record<string, readonly string[]>> = {
  darwin: ['-bundle', '-undefined', 'dynamic_lookup'],
  linux: ['-shared', '-Wl,-z,noexecstack'],
};

/** The addon of this platform and architecture. It cannot be made without a compiler. */
export function nativeProduct(root: string, folder: string): Product {
  const compiler = compilerCommand();
  const sources = { ...kernelSources(root), [DOOR]: readFileSync(path.join(sourceFolder(root), DOOR), 'utf8') };
  const made = { sources, common: commonFlags(), widths: [...nativeWidths()], link: linkFlags(), compiler };
  const target = [process.platform, process.arch];
  return {
    file: path.join(folder, ADDON),
    ingredients: [JSON.stringify([made, target, compilerVersion(compiler)])],
    make: () => build(root, compiler),
  };
}

/** The builds of this architecture, the widest first, with their flags. */
export const nativeWidths = (): Widths => WIDTHS[process.arch] ?? OTHER;

const linkFlags = (): readonly string[] => LINK_FLAGS[process.platform] ?? ['-shared'];

/** `CC` may hold arguments or a launcher, as in `ccache gcc`. */
export const compilerCommand = (): readonly string[] => (process.env.CC?.trim() || 'cc').split(/\s+/);

/** Undefined where there is none: one that is installed later changes the ingredients. */
function compilerVersion([command, ...given]: readonly string[]): string | undefined {
  try {
    return execFileSync(command, [...given, '--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    return undefined;
  }
}

/** A warning of a compiler that nobody here has seen must not cost anyone the native kernels; in CI it fails. */
function commonFlags(): readonly string[] {
  const strict = process.env.CI ? ['-Werror'] : [];
  const apple = process.platform === 'darwin' ? ['-arch', APPLE_ARCHITECTURES[process.arch] ?? process.arch] : [];
  return ['-fPIC', '-fvisibility=hidden', ...strict, ...apple];
}

async function build(root: string, compiler: readonly string[]): Promise<Uint8Array> {
  if (compilerVersion(compiler) === undefined) throw new Error(`there is no C compiler (${compiler[0]})`);
  const work = mkdtempSync(path.join(tmpdir(), 'odecast-kernels-'));
  try {
    const kernels = [...nativeWidths()].map(([width, flags]) => kernelTranslation(root, width, flags));
    const objects = await Promise.all(
      [addonTranslation(root), ...kernels].map((flags, at) => compile(compiler, flags, `${work}/${at}.o`)),
    );
    const output = path.join(work, 'addon');
    await run(compiler, [...commonFlags(), ...linkFlags(), ...objects, '-o', output]);
    return readFileSync(output);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

const kernelTranslation = (root: string, width: NativeWidth, own: readonly string[]): readonly string[] => [
  ...[...KERNEL_FLAGS, ...own, `-DKERNEL_PREFIX=${width}`],
  path.join(sourceFolder(root), TRANSLATION_UNIT),
];

const addonTranslation = (root: string): readonly string[] => [
  ...['-std=gnu11', '-O2', '-Wall', '-Wextra', '-isystem', headers()],
  path.join(sourceFolder(root), DOOR),
];

const headers = (): string => createRequire(import.meta.url)('node-api-headers').include_dir;

async function compile(compiler: readonly string[], flags: readonly string[], object: string): Promise<string> {
  await run(compiler, [...commonFlags(), ...flags, '-c', '-o', object]);
  return object;
}

async function run([command, ...given]: readonly string[], more: readonly string[]): Promise<void> {
  try {
    const { stderr } = await promisify(execFile)(command, [...given, ...more]);
    if (stderr !== '') process.stderr.write(stderr);
  } catch (error) {
    throw new Error(saidBy(error));
  }
}
