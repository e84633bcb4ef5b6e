import { connect, errorCode } from '@catalogue/postgres';

const noSuchDatabase = '3D000';
const duplicateDatabase = '42P04';

/** Creates the database that the address names, if the server has none of that name. */
export async function ensureDatabase(dsn: string): Promise<void> {
  const problem = await attempt(dsn, 'select 1');
  if (problem === noSuchDatabase) {
    const name = decodeURIComponent(new URL(dsn).pathname.slice(1));
    const maintenance = new URL(dsn);
    maintenance.pathname = '/postgres';
    await attempt(maintenance.href, `create database "${name.replaceAll('"', '""')}"`);
  }
}

/** Runs one statement; the error's code if it is one of the two expected ones. */
async function attempt(dsn: string, statement: string): Promise<string | undefined> {
  const sql = connect(dsn, { name: 'npm start', max: 1 });
  try {
    await sql.unsafe(statement);
    return undefined;
  } catch (error) {
    const code = errorCode(error);
    if (code === noSuchDatabase || code === duplicateDatabase) return code;
    throw error;
  } finally {
    await sql.end();
  }
}
