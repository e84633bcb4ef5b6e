export { incompatibilities } from './compatibility/incompatibilities.ts';
export { type Codec, createEventReader, createJsonCodec, type Decoded, jsonCodec } from './codec.ts';
export { type ConsistencyToken, decodeToken, encodeToken } from './consistency-token.ts';
export { defaultTopic, type Envelope, type LegacyEnvelope, type ProductEvent } from './envelope.ts';
export { type ProductChange, type ProductEventType, productEvents } from './product-events.ts';
export { type PromotionChange, type PromotionEvent, promotionTopic } from './promotion-events.ts';
export { HistoryEntry, NewProduct, Product, ProductPatch, Written } from './product-resource.ts';
export { productContract, promotionContract, type TopicContract } from './topic-contract.ts';
export { createUpcaster, type LaterEvent, upcast } from './upcast.ts';
