/**
 * A real Kafka broker for tests, without Docker: `$KAFKA_BROKERS`, else an installation at `$KAFKA_HOME`, else the jars of
 * Maven Central in a cache folder (`$ODECAST_CACHE`, default `.cache` of the repository). Where none can be had, the
 * caller skips and says why; under `$CI` that is a failure.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
const VERSION = '4.1.0';
const READY_WITHIN_MS = 60_000;

export interface Broker {
  readonly brokers: string[];
  /** Kills it and starts it again on the same data and port; `undefined` where the broker is not ours. */
  readonly crash?: () => Promise<void>;
  stop(): Promise<void>;
}

/** @returns a broker on loopback, or in words why there is none. */
export async function startBroker(): Promise<Broker | string> {
  const given = process.env.KAFKA_BROKERS;
  if (given) return { brokers: given.split(','), stop: async () => {} };
  const classpath = await findJars();
  return typeof classpath === 'string' ? classpath : launch(classpath.jars);
}

/** What a suite does where there is no broker: under CI it fails, elsewhere it is skipped, and it says so. */
export function withoutBroker(reason: string): void {
  if (process.env.CI) throw new Error(`CI needs a Kafka broker: ${reason}`);
  console.warn(`\n*** SKIPPED: no Kafka broker. ${reason} ***\n`);
}

async function findJars(): Promise<{ jars: string } | string> {
  try {
    await run('java', ['-version']);
  } catch {
    return 'Java is not installed: install Java 17, or set KAFKA_BROKERS to a running broker.';
  }
  const home = process.env.KAFKA_HOME;
  if (home) return { jars: join(home, 'libs', '*') };
  const folder = join(cacheFolder(), `kafka-${VERSION}`);
  try {
    if (!existsSync(folder)) await fetchJars(folder);
    return { jars: join(folder, '*') };
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
    return `Maven could not fetch Kafka (${reason}): install Maven, or set KAFKA_HOME or KAFKA_BROKERS.`;
  }
}

function cacheFolder(): string {
  return resolve(process.env.ODECAST_CACHE ?? join(import.meta.dirname, '..', '..', '.cache'));
}

/** Into a folder beside it first, so that a download that was cut off is not taken for a whole one. */
async function fetchJars(folder: string): Promise<void> {
  const work = `${folder}.${process.pid}`;
  mkdirSync(work, { recursive: true });
  try {
    writeFileSync(join(work, 'pom.xml'), pom());
    await run('mvn', ['-q', '-B', 'dependency:copy-dependencies', `-DoutputDirectory=${join(work, 'jars')}`], {
      cwd: work,
      timeout: 300_000,
    });
    if (!existsSync(folder)) renameSync(join(work, 'jars'), folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function pom(): string {
  const dependency = (group: string, artifact: string, version: string) =>
    `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`;
  return `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>odecast</groupId><artifactId>test-broker</artifactId><version>1</version><dependencies>
${dependency('org.apache.kafka', 'kafka_2.13', VERSION)}
${dependency('org.apache.kafka', 'kafka-tools', VERSION)}
${dependency('org.slf4j', 'slf4j-nop', '1.7.36')}
</dependencies></project>`;
}

async function launch(classpath: string): Promise<Broker | string> {
  const folder = mkdtempSync(join(tmpdir(), 'odecast-kafka-'));
  const [port, controllerPort] = await freePorts(2);
  const properties = join(folder, 'server.properties');
  writeFileSync(properties, serverProperties(folder, port, controllerPort));
  const java = (...args: string[]) => ['-Xmx512m', '-XX:TieredStopAtLevel=1', '-cp', classpath, ...args];
  const { stdout: id } = await run('java', java('kafka.tools.StorageTool', 'random-uuid'));
  await run('java', java('kafka.tools.StorageTool', 'format', '-t', id.trim(), '-c', properties));
  let server = spawnBroker(folder, java('kafka.Kafka', properties));
  const stop = async () => {
    await stopServer(server);
    rmSync(folder, { recursive: true, force: true });
  };
  const crash = async () => {
    await stopServer(server);
    server = spawnBroker(folder, java('kafka.Kafka', properties));
    if (!(await answers(port))) throw new Error('the broker did not come back');
  };
  if (await answers(port)) return { brokers: [`127.0.0.1:${port}`], crash, stop };
  await stop();
  return `The broker did not answer within ${READY_WITHIN_MS / 1000} s.`;
}

/** The shell kills the broker when its standard input closes: also when this process is killed. */
function spawnBroker(folder: string, args: readonly string[]): ChildProcess {
  const script = 'java "$@" & broker=$!; read _; kill -9 $broker; wait $broker';
  return spawn('sh', ['-c', script, 'sh', ...args], { cwd: folder, stdio: ['pipe', 'ignore', 'ignore'] });
}

function serverProperties(folder: string, port: number, controllerPort: number): string {
  const internalTopics = [
    'offsets.topic.replication.factor',
    'transaction.state.log.replication.factor',
    'transaction.state.log.min.isr',
    'share.coordinator.state.topic.replication.factor',
    'share.coordinator.state.topic.min.isr',
    'offsets.topic.num.partitions',
  ];
  return [
    'process.roles=broker,controller',
    'node.id=1',
    `controller.quorum.voters=1@127.0.0.1:${controllerPort}`,
    `listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    `advertised.listeners=PLAINTEXT://127.0.0.1:${port}`,
    'controller.listener.names=CONTROLLER',
    'listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    `log.dirs=${join(folder, 'data')}`,
    'group.initial.rebalance.delay.ms=0',
    'auto.create.topics.enable=false',
    ...internalTopics.map((name) => `${name}=1`),
  ].join('\n');
}

async function stopServer(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null) return;
  const ended = new Promise((done) => server.once('exit', done));
  server.stdin?.end();
  await ended;
}

async function answers(port: number): Promise<boolean> {
  const until = Date.now() + READY_WITHIN_MS;
  while (Date.now() < until) {
    if (await canConnect(port)) return true;
    await sleep(100);
  }
  return false;
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => done(true)).once('error', () => done(false));
    socket.once('connect', () => socket.destroy());
  });
}

/** Ports that were free a moment ago; all are held open until each is known, so that they differ. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports: number[] = [];
  for (const server of servers) {
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const address = server.address();
    if (address !== null && typeof address === 'object') ports.push(address.port);
  }
  for (const server of servers) await new Promise((done) => server.close(done));
  return ports;
}
