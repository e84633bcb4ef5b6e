// The projection with the model of products, for tests that apply messages by hand.
import { type Codec, jsonCodec } from '@catalogue/contracts';
import type { Sql } from '@catalogue/postgres';
import { connectModel } from '@catalogue/projection';
import * as projection from '@catalogue/projection/testing';
import type { Logger } from '@catalogue/service';
import { productModel } from '../src/model.ts';
import type { Product } from '../src/projection/product.ts';
import { type ProductWrites, productWrites } from '../src/projection/product-writes.ts';

export type Known = projection.Known<Product>;
export type Projected = projection.Projected<Product>;
export type Folded = projection.Folded<Product> & ProductWrites;

export function projectEvent(
  product: Product,
  message: projection.ProductMessage,
  discards: readonly projection.Discard[] = [],
): Projected {
  return projection.projectEvent(productModel(), product, message, discards);
}

export function projectBatch(
  known: Known,
  messages: readonly projection.Read[],
  resumed: readonly string[] = [],
): Folded {
  return withWrites(projection.projectBatch(productModel(), known, messages, resumed));
}

export async function applyBatch(
  sql: Sql,
  scope: projection.OffsetScope,
  part: Omit<projection.Part, 'messages'>,
  messages: readonly projection.Read[],
): Promise<Folded> {
  return withWrites(await projection.applyBatch(sql, productModel(), scope, [{ ...part, messages }]));
}

export async function drainPiece(sql: Sql, draining: projection.Draining): Promise<Folded> {
  return withWrites(await projection.drainPiece(sql, productModel(), draining));
}

export const connectReadModel = (dsn: string) => connectModel(productModel(), dsn);
export const drainNowAndThen = (sql: Sql, log: Logger, signal: AbortSignal) =>
  projection.drainNowAndThen(sql, new projection.PatientDatabase(log, () => {}), productModel(), log, signal);
export const retryParked = (sql: Sql, productId: string, codec?: Codec) =>
  projection.retryParked(sql, productModel(), productId, new projection.ReadAgain(codec));
export const discardParked = (sql: Sql, productId: string, how: projection.Discarding) =>
  projection.discardParked(sql, productModel(), productId, how);
export const startRebuild = (sql: Sql) => projection.startRebuild(sql, productModel());
export const buildIndexes = (sql: Sql, generation: number, log: Pick<Logger, 'info'> = { info() {} }) =>
  projection.buildIndexes(sql, productModel(), generation, log);
export const buildIndexesNowAndThen = (sql: Sql, topic: string, log: Logger, signal: AbortSignal) =>
  projection.buildIndexesNowAndThen(
    sql,
    new projection.PatientDatabase(log, () => {}),
    productModel(),
    topic,
    log,
    signal,
  );
export const dropGeneration = (sql: Sql, generation: number) =>
  projection.dropGeneration(sql, productModel(), generation);
export const switchGeneration = (sql: Sql, to: projection.Switch) =>
  projection.switchGeneration(sql, productModel(), to);
export const compareGenerations = (sql: Sql, pair: projection.Pair, within?: number) =>
  projection.compareGenerations(sql, productModel(), pair, within);

export const lag = withModel(projection.lag);
export const parked = projection.parked.map(withModel);
export const rebuild = projection.rebuild.map(withModel);

function withWrites<F extends projection.Effects<Product>>(folded: F): F & ProductWrites {
  return { ...folded, ...productWrites(folded) };
}

function withModel(command: projection.Command) {
  const run = (tools: Omit<projection.Tools, 'model' | 'codec'>, input: projection.Input) =>
    command.run({ ...tools, model: productModel(), codec: jsonCodec }, input);
  return { ...command, run };
}
