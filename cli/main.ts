#!/usr/bin/env node
/**
 * The door from the shell. It loads nothing before it has looked at the version of Node, so that an old one gets a
 * sentence instead of a syntax error from deep inside.
 */
const OLDEST = [20, 19] as const;
const [major, minor] = process.versions.node.split('.').map(Number);

if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
  console.error(
    `odecast needs Node ${OLDEST.join('.')} or newer; this is ${process.versions.node}. Install the newest LTS from nodejs.org.`,
  );
  process.exitCode = 1;
} else {
  // A reader that has seen enough, as `head` has, is no failure and ends neither a training nor a server.
  for (const output of [process.stdout, process.stderr])
    output.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  const { run } = await import('./program.ts');
  process.exitCode = await run(process.argv);
}
