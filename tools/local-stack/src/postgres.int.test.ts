import { connect } from '@catalogue/postgres';
import { expect, onTestFinished, test } from 'vitest';
import { temporaryHome } from './home.ts';
import { freePort } from './ports.ts';
import { type PostgresOptions, type PostgresServer, startPostgres } from './postgres.ts';

/** Starts one server, as often as the test likes on the same data and port; cleaned up when the test has finished. */
async function oneServer() {
  const home = temporaryHome();
  const port = await freePort();
  let server: PostgresServer | undefined;
  onTestFinished(async () => {
    await server?.stop();
    home.remove();
  });
  return async (settings: Record<string, string> = {}, options: Partial<PostgresOptions> = {}) => {
    server = await startPostgres({ home: home.path, name: 'db', port, settings, ...options });
    return server;
  };
}

async function query(server: PostgresServer, statement: string) {
  const sql = connect(server.dsn('postgres'), { name: 'test', max: 1 });
  try {
    return await sql.unsafe(statement);
  } finally {
    await sql.end();
  }
}

test('PostgreSQL is durable, sorts by ICU on request and accepts settings', async () => {
  const start = await oneServer();
  const server = await start({ work_mem: '7MB' });
  const [settings] = await query(
    server,
    `select current_setting('fsync') as fsync, current_setting('work_mem') as work_mem,
            current_setting('max_connections')::int >= 200 as enough, pg_encoding_to_char(encoding) as encoding
       from pg_database where datname = 'postgres'`,
  );
  expect(settings).toEqual({ fsync: 'on', work_mem: '7MB', enough: true, encoding: 'UTF8' });
  const sorted = await query(
    server,
    `select n from unnest('{Zebra,ähnlich,apfel}'::text[]) n order by n collate "und-x-icu"`,
  );
  expect(sorted.map((row) => row['n'])).toEqual(['ähnlich', 'apfel', 'Zebra']);
});

test.each([
  { durable: true, fsync: 'on' },
  { durable: false, fsync: 'off' },
])(
  'PostgreSQL that was killed with a busy session starts again on the same data and port (durable: $durable)',
  async ({ durable, fsync }) => {
    const start = await oneServer();
    const server = await start({}, { durable });
    expect(await query(server, 'show fsync')).toEqual([{ fsync }]);
    await query(server, 'create table kept as select 1 as one');
    const busy = query(server, 'select pg_sleep(60)').catch(() => 'lost');
    server.kill('SIGKILL');
    expect(await server.exited).toBe('SIGKILL');
    const again = await start({}, { durable });
    expect(again.pid).not.toBe(server.pid);
    expect(await query(again, 'select one from kept')).toEqual([{ one: 1 }]);
    expect(await busy).toBe('lost');
  },
);

test('a second start leaves a running PostgreSQL alone', async () => {
  const start = await oneServer();
  const server = await start();
  await expect(start()).rejects.toThrow(/is held already/);
  expect(await query(server, 'select 1 as one')).toEqual([{ one: 1 }]);
});

test('PostgreSQL names an unknown setting in one line', async () => {
  const start = await oneServer();
  await expect(start({ no_such_setting: '1' })).rejects.toThrow(/^PostgreSQL \(db\) ended.*no_such_setting.*$/);
});
