import { expect, inject, test } from 'vitest';
import { createDatabase } from '@catalogue/testing';
import { openServers } from './servers.ts';

const { writeDb, readDb, kafka } = inject('servers');

test('given servers are described, and their databases are empty again after the run', async () => {
  await using write = await createDatabase(writeDb);
  await using read = await createDatabase(readDb);
  const env = { KAFKA_BROKER: kafka, WRITE_DB_DSN: write.dsn, READ_DB_DSN: read.dsn };
  {
    await using servers = await openServers(env);
    expect(servers.described.join('\n')).toMatch(/\(write-db\) with `fsync = (on|off)`[^]*Kafka \d/);
    await read.sql`create schema drizzle`;
    await read.sql`create extension pg_trgm`;
    await read.sql`create table rows (id integer)`;
  }
  await using _again = await openServers(env);
});

test('a database that holds anything is refused', async () => {
  await using write = await createDatabase(writeDb);
  await using read = await createDatabase(readDb);
  await read.sql`create table orders (id integer)`;
  const env = { KAFKA_BROKER: kafka, WRITE_DB_DSN: write.dsn, READ_DB_DSN: read.dsn };
  await expect(openServers(env)).rejects.toThrow(/holds relation orders.*only uses an empty one/);
});

test('one database for both sides is refused', async () => {
  await using db = await createDatabase(writeDb);
  const env = { KAFKA_BROKER: kafka, WRITE_DB_DSN: db.dsn, READ_DB_DSN: db.dsn };
  await expect(openServers(env)).rejects.toThrow(/name the same database/);
});
