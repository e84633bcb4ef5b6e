import type { Sql } from '@catalogue/postgres';
import { type Logger, repeat } from '@catalogue/service';
import type { Markets } from './rules/markets.ts';
import { findOtherRules } from './tables/applied-rules.ts';
import { unlistExpired } from './tables/reductions.ts';

const unlistIntervalMs = 60_000;
/** The projection waits for one batch at most. */
const unlistBatchSize = 5_000;

/** Takes expired reductions out of the lists from time to time, until the signal is aborted. Readers skip them anyway. */
export async function unlistNowAndThen(
  sql: Sql,
  { log, now }: { log: Logger; now: () => number },
  signal: AbortSignal,
): Promise<void> {
  const onFailure = (err: unknown) => log.warn({ err }, 'Expired reductions were not taken out of the lists');
  await repeat({ everyMs: unlistIntervalMs, signal, onFailure }, async () => {
    const generations = await sql<
      { generation: number }[]
    >`select generation from generations where state <> 'dropped'`;
    for (const { generation } of generations) {
      // A smaller batch is not the last one: locked products are skipped.
      while (!signal.aborted && (await unlistExpired(sql, generation, now(), unlistBatchSize)) > 0);
    }
  });
}

/** Names the generations that were filled by other rules than the configured ones; undefined if there are none. */
export async function otherRules(sql: Sql, markets: Markets): Promise<string | undefined> {
  const others = await findOtherRules(sql, markets);
  if (others.length === 0) return undefined;
  return `Generation ${others.join(' and ')} has other rules than PRICE_MARKETS, which apply after a rebuild: node dist/cli.js rebuild start`;
}
