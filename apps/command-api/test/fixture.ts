import { createHash, randomUUID } from 'node:crypto';
import type { Sql } from '@catalogue/postgres';
import { createLogger } from '@catalogue/service';
import { GroupCommit } from '../src/commit/group-commit.ts';
import { Outage } from '../src/commit/outage.ts';
import { SnapshotWriter } from '../src/commit/snapshot-writer.ts';
import type { Submission } from '../src/commit/submission.ts';
import { productEventForm } from '../src/product/event-form.ts';
import { type Product, type ProductCommand, products } from '../src/product/product.ts';

const log = createLogger('test', 'silent');

/** The group commit and snapshots of one process. `reliable` is the connection that probes the store. */
export function openProcess(sql: Sql, reliable = sql) {
  const snapshots = new SnapshotWriter<Product>(sql, products.snapshotSchema, log);
  const probe = async () => {
    await reliable`select 1`;
  };
  const commit = new GroupCommit({
    sql,
    decider: products,
    form: productEventForm,
    outage: new Outage(probe, log),
    onCommitted: ({ stored }) => {
      for (const stream of stored) snapshots.offer(stream);
    },
  });
  return { submit: (submission: Submission<ProductCommand>) => commit.submit(submission), snapshots };
}

/** A statement before it is sent: its text with `?` for parameters, and the parameters. */
export interface Sent {
  text: string;
  parameters: unknown[];
}

/** Wraps a database so that `by` decides how each statement is run. */
export function intercepted(sql: Sql, by: (run: () => Promise<unknown>, sent: Sent) => Promise<unknown>): Sql {
  return new Proxy(sql, {
    apply: (target, self, args: unknown[]) => {
      const run = () => Reflect.apply(target as unknown as () => Promise<unknown>, self, args) as Promise<unknown>;
      const [strings, ...parameters] = args;
      // Ignores parts of statements and helpers of postgres.js.
      if (!Array.isArray(strings) || !('raw' in strings)) return run();
      return by(run, { text: strings.join('?'), parameters });
    },
  });
}

export const isAppend = ({ text }: Sent): boolean => text.includes('insert into events');
export const isLookUpOfEvents = ({ text }: Sent): boolean => text.includes('as wanted (stream, version, id)');
export const isLookUpOfKeys = ({ text }: Sent): boolean => text.includes('as wanted (subject, key)');

export const failure = (code?: string) => Object.assign(new Error('injected'), code === undefined ? {} : { code });

export const fingerprintOf = (request: unknown) => {
  const hex = createHash('md5').update(JSON.stringify(request)).digest('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
};

/** A command about one product, with a new event id. */
export function submissionOf(command: ProductCommand, key?: string): Submission<ProductCommand> {
  const isNew = command.type === 'create';
  return {
    stream: command.id,
    command,
    eventId: randomUUID(),
    metadata: {},
    isNew,
    // A new product's id is made for the command, so it is not part of the request.
    ...(key === undefined
      ? {}
      : { key: { subject: 's', key, fingerprint: fingerprintOf(isNew ? { ...command, id: '' } : command) } }),
  };
}

/** The creation of a new product. */
export function creation(key?: string, price = 1): Submission<ProductCommand> {
  return submissionOf({ type: 'create', id: randomUUID(), name: 'a', price }, key);
}
