import { connect } from '@catalogue/postgres';

/** A role that logs in with a password, which can change as where an operator, or a provider, rotates it. */
export interface Login {
  /** The address of a database with the password that the role has at first. */
  dsn: string;
  /** Gives the role another password, and ends its sessions: they would go on with the old one. */
  change(password: string): Promise<void>;
}

/** Makes a role with the superuser's rights on a test's own server; `dsn` is the superuser's address of a database. */
export async function createLogin(dsn: string, name: string, password: string): Promise<Login> {
  const ask = async (...statements: string[]) => {
    const sql = connect(dsn, { name: 'testing', max: 1 });
    for (const statement of statements) await sql.unsafe(statement);
    await sql.end({ timeout: 5 });
  };
  await ask(
    `create role ${name} superuser login password '${password}'`,
    `do $$ begin
      execute format('copy (values (%L), (%L)) to %L', 'host all ${name} 127.0.0.1/32 scram-sha-256',
        'host all all 127.0.0.1/32 trust', current_setting('hba_file'));
    end $$`,
    'select pg_reload_conf()',
  );
  const url = new URL(dsn);
  url.username = name;
  url.password = password;
  return {
    dsn: url.href,
    change: (changed) =>
      ask(
        `alter role ${name} password '${changed}'`,
        `select pg_terminate_backend(pid) from pg_stat_activity where usename = '${name}'`,
      ),
  };
}
