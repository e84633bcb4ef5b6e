export { PageCache, type ShownPage } from './caches/page-cache.ts';
export { type FoundProduct, ProductCache } from './caches/product-cache.ts';
export { ChangeFeed } from './changes/feed.ts';
export {
  type Change,
  changesAfter,
  isMarked,
  type LogPosition,
  type LogRead,
  readLog,
} from './changes/log.ts';
export { provenRows, type ProvenRows, proving } from './changes/proof.ts';
export { positionAt } from './changes/recent.ts';
export { sendJson, sendTagged } from './conditional.ts';
export { Consistency } from './consistency/consistency.ts';
export { findStatuses } from './consistency/statuses.ts';
export { requestedWait, WaitHeaders, WaitParameters, waitProblems } from './consistency/tokens.ts';
export { decodeCursorParts, encodeCursorParts, isText } from './cursor-parts.ts';
export { type PendingQuery, QueryQueue } from './queries/query-queue.ts';
export { RowLoader } from './queries/row-loader.ts';
