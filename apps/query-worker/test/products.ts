// The projection with the model of products, for tests that apply messages by hand.
import type { Sql } from '@catalogue/postgres';
import type { Logger } from '@catalogue/service';
import * as batch from '../src/consume/apply-batch.ts';
import * as drain from '../src/consume/drain.ts';
import { parked as parkedCommands } from '../src/cli/parked.ts';
import { rebuild as rebuildCommands } from '../src/cli/rebuild.ts';
import type { Command, Input, Tools } from '../src/cli/command.ts';
import { lag as lagCommand } from '../src/cli/lag.ts';
import { productModel } from '../src/model.ts';
import * as products from '../src/operate/parked-products.ts';
import * as compare from '../src/operate/rebuild/compare.ts';
import * as drop from '../src/operate/rebuild/drop.ts';
import * as start from '../src/operate/rebuild/start.ts';
import * as switching from '../src/operate/rebuild/switch.ts';
import type { Read } from '../src/projection/message.ts';
import type { Effects } from '../src/projection/model.ts';
import type { Product } from '../src/projection/product.ts';
import { type ProductWrites, productWrites } from '../src/projection/product-writes.ts';
import type { Known as KnownOf } from '../src/projection/product-fold.ts';
import type { Folded as FoldedOf } from '../src/projection/outcome.ts';
import { projectBatch as project } from '../src/projection/project-batch.ts';
import {
  type Discard,
  type ProductMessage,
  type Projected as ProjectedOf,
  projectEvent as projectOne,
} from '../src/projection/project-event.ts';
import type { OffsetScope } from '../src/tables/offsets.ts';

export type Known = KnownOf<Product>;
export type Projected = ProjectedOf<Product>;
export type Folded = FoldedOf<Product> & ProductWrites;

export function projectEvent(product: Product, message: ProductMessage, discards: readonly Discard[] = []): Projected {
  return projectOne(productModel(), product, message, discards);
}

export function projectBatch(known: Known, messages: readonly Read[], resumed: readonly string[] = []): Folded {
  return withWrites(project(productModel(), known, messages, resumed));
}

export async function applyBatch(
  sql: Sql,
  scope: OffsetScope,
  part: Omit<batch.Part, 'messages'>,
  messages: readonly Read[],
): Promise<Folded> {
  return withWrites(await batch.applyBatch(sql, productModel(), scope, [{ ...part, messages }]));
}

export async function drainPiece(sql: Sql, draining: drain.Draining): Promise<Folded> {
  return withWrites(await drain.drainPiece(sql, productModel(), draining));
}

export const drainNowAndThen = (sql: Sql, log: Logger, signal: AbortSignal) =>
  drain.drainNowAndThen(sql, productModel(), log, signal);
export const retryParked = (sql: Sql, productId: string) => products.retryParked(sql, productModel(), productId);
export const discardParked = (sql: Sql, productId: string, how: products.Discarding) =>
  products.discardParked(sql, productModel(), productId, how);
export const startRebuild = (sql: Sql) => start.startRebuild(sql, productModel());
export const dropGeneration = (sql: Sql, generation: number) => drop.dropGeneration(sql, productModel(), generation);
export const switchGeneration = (sql: Sql, to: switching.Switch) => switching.switchGeneration(sql, productModel(), to);
export const compareGenerations = (sql: Sql, pair: Parameters<typeof compare.compareGenerations>[2], within?: number) =>
  compare.compareGenerations(sql, productModel(), pair, within);

export const lag = withModel(lagCommand);
export const parked = parkedCommands.map(withModel);
export const rebuild = rebuildCommands.map(withModel);

function withWrites<F extends Effects<Product>>(folded: F): F & ProductWrites {
  return { ...folded, ...productWrites(folded) };
}

function withModel(command: Command) {
  const run = (tools: Omit<Tools, 'model'>, input: Input) => command.run({ ...tools, model: productModel() }, input);
  return { ...command, run };
}
