// node dist/load-prices.js <file>: loads prices from before this service. They count from the next rebuild on.
import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import { createInterface } from 'node:readline';
import { connect } from '@catalogue/postgres';
import { postgresDsn, readSettings } from '@catalogue/service';
import { loadPrices } from './history/load.ts';

const [path] = process.argv.slice(2);
if (path === undefined || path === '--help') {
  process.stdout.write(
    'Usage: node dist/load-prices.js <file>\n\nLoads a CSV file with the columns product,from,to,price.\n',
  );
  process.exitCode = path === undefined ? 2 : 0;
} else {
  const { pricesDb } = readSettings({ pricesDb: postgresDsn('PRICES_DB_DSN') }, process.env);
  const sql = connect(pricesDb, { name: 'load prices', max: 1 });
  try {
    const count = await loadPrices(sql, basename(path), linesOf(path), Date.now());
    process.stdout.write(`Loaded ${count} prices. They count after a rebuild: node dist/cli.js rebuild start\n`);
  } catch (error) {
    process.stderr.write(`${path} was not loaded: ${(error as Error).message}\n`);
    process.exitCode = 1;
  } finally {
    await sql.end({ timeout: 1 });
  }
}

/** Opens the file when the first line is wanted: a reader drops the lines that come before it is iterated. */
async function* linesOf(file: string): AsyncGenerator<string> {
  yield* createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY });
}
