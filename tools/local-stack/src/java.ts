import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const needed = 17;

/**
 * Options for servers that a test file starts: they end within minutes, before the optimizing compiler pays. A broker takes
 * 3.9 s of CPU time instead of 7.1 s for its start and 3 000 messages; a registry starts with 1.8 s instead of 3.6 s.
 */
export const briefLife: readonly string[] =
  process.env['VITEST_POOL_ID'] === undefined ? [] : ['-XX:TieredStopAtLevel=1'];

const kafka = { title: 'Kafka', otherwise: 'start a container engine, or give a broker with KAFKA_BROKER' };

/** The `java` to run; throws one line that says what to install if the server can use none. */
export function findJava(server: { title: string; otherwise: string } = kafka): string {
  const { JAVA_HOME } = process.env;
  const java = JAVA_HOME ? join(JAVA_HOME, 'bin', 'java') : 'java';
  const { error, stdout, stderr } = spawnSync(java, ['-version'], { encoding: 'utf8' });
  const found = error ? undefined : javaVersion(stdout + stderr);
  if (found !== undefined && found >= needed) return java;
  const what = found === undefined ? `there is no ${java}` : `${java} is Java ${found}`;
  throw new Error(
    `${server.title} needs Java ${needed} or newer, and ${what}: install one (apt-get install openjdk-17-jdk-headless), name another with JAVA_HOME, ${server.otherwise}`,
  );
}

/** The feature release in the output of `java -version`: `"17.0.15"` is 17, `"1.8.0_412"` is 8. */
export function javaVersion(output: string): number | undefined {
  const match = /version "(?:1\.)?(\d+)/.exec(output);
  return match ? Number(match[1]) : undefined;
}
