import { randomUUID } from 'node:crypto';
import type { GivenServers } from '@catalogue/acceptance';
import { openAdmin } from '@catalogue/kafka';
import { runKafkaConfigs, runKafkaFeatures } from '@catalogue/local-stack';
import { connect, type Sql } from '@catalogue/postgres';
import { kafkaBrokers, readSettings, postgresDsn } from '@catalogue/service';
import { durabilityFlags } from './environment.ts';
import { listenerOn, watchProcess } from './processes.ts';

/** Servers for one run, which this process does not start or stop. */
export interface ServersForRun extends GivenServers, AsyncDisposable {
  /** Their versions and settings, a line each. */
  described: string[];
}

// Whether a broker waits for the disk, and how many copies there are.
const brokerSettings = ['log.flush.interval.messages', 'default.replication.factor', 'min.insync.replicas'];
const silent = { debug() {}, info() {}, warn() {}, error() {} };
const oldestServer = 150_000;

/**
 * The servers that the environment names, checked and described; disposing of them empties the databases again. The topic has a
 * random name.
 * Ends the process if a setting is missing.
 * @throws if a database holds anything, or a role may not do what the benchmark does.
 */
export async function openServers(env: NodeJS.ProcessEnv): Promise<ServersForRun> {
  const settings = {
    brokers: kafkaBrokers,
    writeDb: postgresDsn('WRITE_DB_DSN'),
    readDb: postgresDsn('READ_DB_DSN'),
  };
  const { brokers, ...databases } = readSettings(settings, env);
  if (typeof brokers !== 'string') throw new Error('The benchmark reaches brokers without TLS and logins only');
  const addresses = { ...databases, brokers };
  const dsns = { 'write-db': addresses.writeDb, 'read-db': addresses.readDb };
  const found = await Promise.all(
    Object.entries(dsns).map(([name, dsn]) => onDatabase(dsn, (sql) => check(name, sql))),
  );
  if (new Set(found.map(({ identity }) => identity)).size === 1) {
    throw new Error('WRITE_DB_DSN and READ_DB_DSN name the same database: each needs a separate, empty one');
  }
  const described = [...found.map(({ line }) => line), await describeBroker(addresses.brokers)];
  for (const [name, dsn] of Object.entries(dsns)) watchServer(name, dsn);
  watchServer('kafka', `kafka://${addresses.brokers.split(',')[0]?.trim()}`);
  const topic = `benchmark-${randomUUID()}`;
  return {
    ...addresses,
    topic,
    described,
    [Symbol.asyncDispose]: async () => {
      for (const dsn of Object.values(dsns)) await onDatabase(dsn, empty);
      await deleteTopic(addresses.brokers, topic);
    },
  };
}

async function onDatabase<T>(dsn: string, work: (sql: Sql) => Promise<T>): Promise<T> {
  const sql = connect(dsn, { name: 'benchmark', max: 1 });
  try {
    return await work(sql);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** Checks a database, and returns a line about its server and what tells the database from others. */
async function check(name: string, sql: Sql): Promise<{ line: string; identity: string }> {
  const held = await findObjects(sql);
  const { database, version, number, canCreate, canCheckpoint, identity } = await about(sql);
  if (held.length > 0) {
    throw new Error(
      `The database ${database} (${name}) holds ${held.join(', ')}; the benchmark only uses an empty one`,
    );
  }
  if (number < oldestServer) throw new Error(`${name} is PostgreSQL ${version}; the benchmark needs 15 or later`);
  const missing = [...(canCreate ? [] : ['CREATEDB']), ...(canCheckpoint ? [] : ['pg_checkpoint'])];
  if (missing.length > 0) throw new Error(`The role of ${name} lacks ${missing.join(' and ')}`);
  const values = await sql<{ name: string; value: string }[]>`
    select name, current_setting(name) as value from unnest(${durabilityFlags}::text[]) as name`;
  const line = `PostgreSQL ${version} (${name}) with ${values.map((each) => `\`${each.name} = ${each.value}\``).join(', ')}`;
  return { line, identity };
}

interface About {
  database: string;
  version: string;
  number: number;
  canCreate: boolean;
  canCheckpoint: boolean;
  identity: string;
}

async function about(sql: Sql): Promise<About> {
  const [row] = await sql<About[]>`
    select current_database() as database, current_setting('server_version') as version,
      current_setting('server_version_num')::integer as number, rolcreatedb or rolsuper as "canCreate",
      pg_has_role('pg_checkpoint', 'usage') as "canCheckpoint",
      (select system_identifier from pg_control_system()) || '/' || current_database() as identity
    from pg_roles where rolname = current_user`;
  if (row === undefined) throw new Error('PostgreSQL did not describe itself');
  return row;
}

/** At most ten objects that somebody has made in the database: those of initdb have lower ids. */
async function findObjects(sql: Sql): Promise<string[]> {
  const rows = await sql<{ object: string }[]>`
    select object from (
      select 'schema ' || nspname, oid from pg_namespace where nspname <> 'public' and nspname !~ '^pg_(toast_)?temp_'
      union all select 'relation ' || oid::regclass, oid from pg_class where relkind in ('r', 'p', 'v', 'm', 'S', 'f')
      union all select 'function ' || oid::regprocedure, oid from pg_proc
      union all select 'type ' || oid::regtype, oid from pg_type where typtype in ('d', 'e', 'r')
      union all select 'extension ' || extname, oid from pg_extension
      union all select 'large object ' || oid, oid from pg_largeobject_metadata
    ) as objects (object, oid)
    where oid >= 16384 -- FirstNormalObjectId
    order by oid limit 10`;
  return rows.map(({ object }) => object);
}

/** Removes what the migrations made. The database was empty, so everything in it is the benchmark's. */
async function empty(sql: Sql): Promise<void> {
  const extensions = await sql<{ name: string }[]>`select extname as name from pg_extension where oid >= 16384`;
  for (const { name } of extensions) await sql`drop extension ${sql(name)} cascade`;
  const schemas = await sql<{ name: string }[]>`
    select nspname as name from pg_namespace
    where (oid >= 16384 and nspname !~ '^pg_') or nspname = 'public'`;
  for (const { name } of schemas) await sql`drop schema ${sql(name)} cascade`;
  // As PostgreSQL creates it.
  await sql`create schema public authorization pg_database_owner`;
  await sql`grant usage on schema public to public`;
}

/** Deletes a topic if it exists. */
async function deleteTopic(brokers: string, topic: string): Promise<void> {
  const admin = openAdmin({ brokers, clientId: 'benchmark', log: silent });
  try {
    if ((await admin.describeTopic(topic)) !== undefined) await admin.deleteTopic(topic);
  } finally {
    admin.close();
  }
}

async function describeBroker(brokers: string): Promise<string> {
  const settings = await runKafkaConfigs(
    `--bootstrap-server ${brokers} --describe --entity-type brokers --all`.split(' '),
  );
  const features = await runKafkaFeatures(['--bootstrap-server', brokers, 'describe']);
  for (const { ok, output } of [settings, features])
    if (!ok) throw new Error(`The broker at ${brokers} did not describe itself: ${output.trim()}`);
  // A broker tells the version of its protocol, and not that of its release.
  const [, version = 'unknown'] = /metadata\.version\s.*FinalizedVersionLevel: (\S+)/.exec(features.output) ?? [];
  const lines = settings.output.split('\n').map((line) => line.trim());
  const shown = brokerSettings.map((name) => {
    const [value = 'unknown'] =
      lines
        .find((line) => line.startsWith(`${name}=`))
        ?.slice(name.length + 1)
        .split(' ') ?? [];
    return `\`${name} = ${value}\``;
  });
  return `Kafka ${version} with ${shown.join(', ')}`;
}

/** A server on this machine, whose CPU is then reported. */
function watchServer(name: string, address: string): void {
  const { hostname, port } = new URL(address);
  const pid = ['127.0.0.1', 'localhost', '[::1]'].includes(hostname) ? listenerOn(Number(port || 5432)) : undefined;
  if (pid !== undefined) watchProcess(pid, name);
}
