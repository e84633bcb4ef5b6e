export { type Codec, type Decoded, jsonCodec } from './codec.ts';
export { type ConsistencyToken, decodeToken, encodeToken } from './consistency-token.ts';
export { defaultTopic, Envelope, LegacyEnvelope, type ProductEvent } from './envelope.ts';
export { isPrice, Price } from './price.ts';
export {
  type ProductChange,
  ProductCreated,
  ProductDiscontinued,
  type ProductEventType,
  productEvents,
  ProductUpdated,
} from './product-events.ts';
export { isProductName, ProductName } from './product-name.ts';
