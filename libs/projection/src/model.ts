import type { LegacyEnvelope, ProductEvent } from '@catalogue/contracts';
import type { Transaction } from '@catalogue/postgres';

/** The fields of a row that the projection itself needs. */
export interface Tracked {
  id: string;
  /** Of the last applied event; 0 before the first one. */
  version: number;
  /** Of the last applied event; null before the first one. */
  eventId: string | null;
  /** Events of the product are parked, so the row is older than the topic. */
  parked: boolean;
}

/** One step of a product. Both rows are the same object if only its queue changed in a way that waiting requests must see. */
export interface Step<Row> {
  before: Row;
  after: Row;
}

/** A row to write; `before` is undefined if the table has none. */
export interface Written<Row> {
  before: Row | undefined;
  after: Row;
}

/** What a transaction writes of a model: each row once, and every step that led there, in order. */
export interface Effects<Row> {
  rows: Written<Row>[];
  steps: Step<Row>[];
}

/** The statements that a model has sent, and a callback for after the commit. */
export interface Writes {
  sent: Promise<unknown>[];
  committed?: () => void;
}

/** The effect of a legacy message on a row; `superseded` and `unknown` leave it unchanged. */
export type Merged<Row> = { outcome: 'applied'; product: Row } | { outcome: 'superseded' | 'unknown' };

/** How messages of older producers change a row. They come in any order and more than once. */
export interface Legacy<Row> {
  merge(row: Row, event: LegacyEnvelope, place: { partition: number; offset: number }): Merged<Row>;
  /** The row once its product has a version, without the data that only `merge` needs. */
  ended(row: Row): Row;
}

/** A table with a list partition `<name>_g<generation>` for each generation. */
export interface Table {
  name: string;
  /** Storage parameters of a partition. */
  storage?: string;
  /** The columns that a rebuild compares in a table beside the first. Needs an index on `generation` and `product`. */
  compared?: ComparedDetails;
}

/**
 * An index of each partition of a table that only readers need. The partitioned table has no such index: a generation
 * that is being filled gets it when it has caught up. Filling a million products takes half as long without them.
 */
export interface ReaderIndex {
  table: string;
  /** The index of generation 2 is called `<table>_g2_<name>`. */
  name: string;
  /** The part of `create index` after the table's name. */
  definition: string;
}

/** Rows of a product in a table beside the first, any number of them. */
export interface ComparedDetails {
  /** The column with the product's id. */
  product: string;
  /** The columns that are equal in two generations at the same offsets, as types that PostgreSQL can hash. */
  columns: readonly string[];
}

/** A read model: its tables, and how an event changes a row. Several transactions may call its methods at once. */
export interface Model<Row extends Tracked = Tracked> {
  /**
   * The service's name, which is also its folder's in `apps`: consumer groups and Kafka clients contain it, and advice
   * for operators names `apps/<name>/dist/cli.js`.
   */
  name: string;
  /**
   * The first has one row per product, by `generation` and `id`, with a column `version`. The version is 0 while no
   * event of the product is applied: its events are parked, or only legacy messages made the row.
   */
  tables: readonly [Table, ...Table[]];
  /** Tables without partitions that have rows of a generation, in a column `generation`: dropped with it. */
  unpartitioned?: readonly string[];
  /** Readers are not shown a generation before these are built. */
  indexes?: readonly ReaderIndex[];
  /**
   * The columns of the first table that are equal in two generations at the same offsets; `id` and `version` among
   * them. Further tables have their own (`Table.compared`): a table without is not compared.
   */
  compared: readonly string[];
  /** The row of a product before its first message. */
  empty(id: string): Row;
  /** The row after one more event. Pure. `version` and `eventId` are set already. */
  evolve(row: Row, event: ProductEvent): Row;
  /**
   * The row after one or several events that an operator discarded, whose content is unknown. Pure. Without this
   * method, only the version moves.
   */
  skipped?(row: Row): Row;
  /** Without it, legacy messages are counted as unknown, and make no row. */
  legacy?: Legacy<Row>;
  /** Inserts empty rows for products without one, in the order of their ids, because an absent row cannot be locked. */
  insertMissing(tx: Transaction, generation: number, ids: readonly string[]): Promise<unknown>;
  /**
   * Reads and locks the rows that exist, in the order of their ids.
   * @throws {TooMuchAtOnce} to be called again with fewer products, one at least: never for two or fewer.
   */
  lock(tx: Transaction, generation: number, ids: readonly string[]): Promise<Row[]>;
  /**
   * Sends all its statements at once; the commit follows them directly. Rows that exist are locked. An insert of a row
   * that another transaction has inserted meanwhile must fail: the batch is then applied again, up to 100 times. The
   * first table has no unique index beside its primary key: a violation of one would look the same, and stops the
   * partition after these repeats.
   */
  write(tx: Transaction, generation: number, effects: Effects<Row>): Writes;
  /** Sends statements of `write` that write nothing, so that a connection has prepared them before its first batch. */
  prepare?(tx: Transaction, generation: number): Promise<unknown>[];
  /** Shows readers a generation, which is as far as the one that they see now. */
  serve(tx: Transaction, generation: number): Promise<void>;
}
