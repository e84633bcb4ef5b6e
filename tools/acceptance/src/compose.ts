// npm run test:compose [-- arguments for vitest]: builds the images and tests docker-compose.yml with them. Ends with 69
// (EX_UNAVAILABLE of sysexits) without a container engine, the public images, or enough time: COMPOSE_TESTS_WITHIN says how
// many seconds are left.
import { spawnSync } from 'node:child_process';
import { type Engine, findEngine } from '@catalogue/images';

const unavailable = 69;
const publicImages = ['node:24-bookworm', 'node:24-bookworm-slim', 'postgres:18-alpine', 'apache/kafka:4.3.1'];
// From an empty cache it takes 5 min on two idle cores, mostly to compile the Kafka client; the tests take 4 min.
const maxBuildMs = 20 * 60_000;
const maxTestsMs = 15 * 60_000;
const usualTests = 4 * 60_000;
const deadline = performance.now() + Number(process.env['COMPOSE_TESTS_WITHIN'] ?? Infinity) * 1000;

const engine = await findEngine();
process.exitCode = typeof engine === 'string' ? notRun(engine) : test(engine);

function test({ docker, compose, env: engineEnv }: Engine): number {
  const project = `catalogue-test-${process.pid}`;
  // Separate names, so that a developer's images stay unchanged.
  const IMAGE_PREFIX = process.env['IMAGE_PREFIX'] ?? 'catalogue-test';
  const env = { ...engineEnv, IMAGE_PREFIX, COMPOSE_PROJECT_NAME: project, NX_ISOLATE_PLUGINS: 'false' };
  const run = (command: string, args: string[], timeout?: number) =>
    spawnSync(command, args, { env, stdio: 'inherit', ...(timeout !== undefined && { timeout }) }).status ?? 1;
  const has = (image: string) => spawnSync(docker, ['image', 'inspect', image]).status === 0;

  const missing = publicImages.find((image) => !has(image) && run(docker, ['pull', '--quiet', image], 120_000) !== 0);
  if (missing !== undefined) return notRun(`${missing} cannot be pulled`);

  const started = performance.now();
  const forBuild = Math.floor(Math.min(maxBuildMs, deadline - started - usualTests));
  if (forBuild <= 0) return notRun('too little time is left');
  const built = run('nx', ['run-many', '-t', 'image', '--output-style=static'], forBuild);
  if (performance.now() + usualTests > deadline) return notRun('building the images left too little time');
  if (built !== 0) return 1;
  console.log(`Images built in ${Math.round((performance.now() - started) / 1000)} s`);
  const config = ['run', '--config', 'tools/acceptance/vitest.compose.config.ts'];
  const code = run('vitest', [...config, ...process.argv.slice(2)], maxTestsMs);
  // Also after an interruption.
  const [command = '', ...first] = compose;
  spawnSync(command, [...first, 'down', '--volumes', '--timeout', '2'], { env, stdio: 'ignore' });
  return code;
}

function notRun(why: string): number {
  console.error(
    `NOT RUN: the tests of docker-compose.yml need a container engine, the public images and time: ${why}.`,
  );
  return unavailable;
}
