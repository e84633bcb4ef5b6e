export {
  type CallOptions,
  Catalogue,
  type CatalogueOptions,
  type ChangeOptions,
  type CommandOptions,
} from './catalogue.ts';
export type { MarketQuery, PricePeriod, PriorPrice, Reduction } from './price.ts';
export {
  type Api,
  CatalogueProblem,
  CatalogueUnreachable,
  type Fault,
  isProblem,
  type ProblemType,
} from './problem.ts';
export type {
  HistoryEntry,
  NewProduct,
  Page,
  Product,
  ProductPatch,
  ProductQuery,
  Receipt,
  Sort,
  StreamEvent,
  Written,
} from './product.ts';
export type {
  NewPromotion,
  PriceRule,
  ProductChoice,
  Promotion,
  PromotionEvent,
  PromotionItem,
  PromotionItemState,
  PromotionPage,
  PromotionPreview,
  PromotionProgress,
  PromotionQuery,
  PromotionState,
  PromotionTransition,
} from './promotion.ts';
export { type OperationOptions, Promotions, type PromotionsOptions } from './promotions.ts';
export type { StreamOptions } from './stream.ts';
export { isAccessToken } from './token.ts';
