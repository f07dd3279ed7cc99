/**
 * clang as a process of its own, so that several can run at once and the compiler's memory is given back. Reads
 * `{ given: string[], files: { [name]: text }, output: string }` from standard input and writes the output file to standard
 * output, or what clang says to standard error. Plain JavaScript, as it is started without a loader.
 */
import { json } from 'node:stream/consumers';
import { setFlagsFromString } from 'node:v8';

// Before the compiler is loaded: a run is too short for optimising its 75 MB of WebAssembly to pay, at half the processor time.
setFlagsFromString('--liftoff-only');

const { commands, runLLVM } = await import('@yowasp/clang');
const { given, files, output } = await json(process.stdin);
const say = (bytes) => bytes !== null && process.stderr.write(bytes.slice());

try {
  // Loading the compiler by itself would report its progress line by line.
  await runLLVM(undefined, undefined, { fetchProgress: () => {} });
  const made = await commands.clang(given, files, { stdout: say, stderr: say });
  process.stdout.write(made[output]);
} catch (error) {
  if (error?.code === undefined) console.error(error);
  process.exitCode = 1;
}
