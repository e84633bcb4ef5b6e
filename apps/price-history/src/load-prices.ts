// node dist/load-prices.js <file>: loads prices from before this service. They count from the next rebuild on.
import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import { createInterface } from 'node:readline';
import { connect, faultOfDatabase } from '@catalogue/postgres';
import { postgresDsn, readArguments, readSettings } from '@catalogue/service';
import { loadPrices } from './history/load.ts';

const usage = 'Usage: node dist/load-prices.js <file>\n\nLoads a CSV file with the columns product,from,to,price.';
const [path = ''] = readArguments(process.argv.slice(2), { usage, positionals: 1 }).positionals;
const { pricesDb } = readSettings({ pricesDb: postgresDsn('PRICES_DB_DSN') }, process.env);
const sql = connect(pricesDb, { name: 'load prices', max: 1 });
try {
  const count = await loadPrices(sql, basename(path), linesOf(path), Date.now());
  process.stdout.write(`Loaded ${count} prices. They count after a rebuild: node dist/cli.js rebuild start\n`);
} catch (error) {
  process.stderr.write(`${path} was not loaded: ${faultOfDatabase(error, 'PRICES_DB_DSN')}\n`);
  process.exitCode = 1;
} finally {
  await sql.end({ timeout: 1 });
}

/** Opens the file only when it is iterated: `createInterface` drops the lines that arrive before that. */
async function* linesOf(file: string): AsyncGenerator<string> {
  try {
    yield* createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY });
  } catch (cause) {
    // Without the code, which could also be that of a connection to the database.
    throw new Error((cause as Error).message, { cause });
  }
}
