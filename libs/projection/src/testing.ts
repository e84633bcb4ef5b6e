// For tests of a service that apply messages, park them and rebuild by hand, without Kafka.
export { buildIndexes, buildIndexesNowAndThen } from './build-indexes.ts';
export { type Command, type Input, type Output, type Tools, UsageError } from './cli/command.ts';
export { lag } from './cli/lag.ts';
export { parked } from './cli/parked.ts';
export { rebuild } from './cli/rebuild.ts';
export { applyBatch, NotOwnerError, type Part } from './consume/apply-batch.ts';
export { type Draining, drainNowAndThen, drainPiece, isDraining } from './consume/drain.ts';
export { PatientDatabase } from './consume/retry.ts';
export { type Read, read } from './fold/message.ts';
export type { Folded } from './fold/outcome.ts';
export type { ParkedMessage } from './fold/parked-message.ts';
export type { Known } from './fold/product-fold.ts';
export { projectBatch } from './fold/project-batch.ts';
export { type Discard, type ProductMessage, type Projected, projectEvent } from './fold/project-event.ts';
export { measureParked } from './metrics.ts';
export type { Effects } from './model.ts';
export { listParked, showParked } from './operate/parked-list.ts';
export { type Discarding, discardParked, retryParked } from './operate/parked-products.ts';
export { ReadAgain } from './operate/read-again.ts';
export { compareGenerations, type Pair } from './operate/rebuild/compare.ts';
export { dropGeneration } from './operate/rebuild/drop.ts';
export { readProgress } from './operate/rebuild/progress.ts';
export { startRebuild } from './operate/rebuild/start.ts';
export { type Switch, switchGeneration } from './operate/rebuild/switch.ts';
export { RefusedError } from './operate/refused.ts';
export { removeChanges } from './tables/changes.ts';
export {
  GenerationDroppedError,
  type OffsetScope,
  readOffset,
  readOffsets,
  TopicChangedError,
} from './tables/offsets.ts';
