import { append, checkOrigin, hintAppended, load } from '@catalogue/event-store';
import type { Sql } from '@catalogue/postgres';
import type { Logger, Registry } from '@catalogue/service';
import { GroupCommit } from './commit/group-commit.ts';
import { Outage } from './commit/outage.ts';
import { SnapshotWriter } from './commit/snapshot-writer.ts';
import { NotDecided, type Outcome, Overloaded, type Submission } from './commit/submission.ts';
import { commandMetrics } from './metrics.ts';
import { productEventForm } from './product/event-form.ts';
import { type Product, type ProductCommand, products, type Refusal } from './product/product.ts';

/** Wires group commit, snapshots, hints and metrics together for the commands on products. */
export function openCommands(store: Sql, log: Logger, metrics: Registry) {
  const snapshots = new SnapshotWriter<Product>(store, products.snapshotSchema, log);
  const hint = hintAppended(store);
  // After each outage the store may have come back on another server.
  const outage = new Outage(async () => {
    await checkOrigin(store);
    // Loads and appends nothing: a connection is open and has prepared the statements before the first command needs them.
    await load(store, [], products.snapshotSchema);
    await append(store, []);
  }, log);
  const groupCommit = new GroupCommit({
    sql: store,
    decider: products,
    form: productEventForm,
    outage,
    onCommitted: (batch) => {
      measure.committed(batch);
      if (batch.stored.length > 0) hint();
      for (const stream of batch.stored) snapshots.offer(stream);
    },
  });
  const measure = commandMetrics(metrics, () => groupCommit.waiting);

  const submit = async (submission: Submission<ProductCommand>): Promise<Outcome<Refusal>> => {
    const { type } = submission.command;
    try {
      const outcome = await groupCommit.submit(submission);
      measure.ended(type, outcome.refused ?? 'done');
      return outcome;
    } catch (error) {
      measure.ended(type, reasonOf(error));
      throw error;
    }
  };
  return { submit, outage };
}

function reasonOf(error: unknown): string {
  if (error instanceof Overloaded) return 'overloaded';
  return error instanceof NotDecided ? 'not-decided' : 'failed';
}
