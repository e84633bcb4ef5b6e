import type { Ports } from './settings.ts';

type Shown = Pick<
  Ports,
  'commandApi' | 'queryApi' | 'outboxRelay' | 'queryWorker' | 'priceHistory' | 'promotions' | 'promotionsRelay'
>;

/** The text that `npm start` prints when everything is ready: the addresses, and two commands to try. */
export function welcome(ports: Shown): string {
  const { commandApi, queryApi, outboxRelay, queryWorker, priceHistory, promotions, promotionsRelay } = ports;
  const product = '{ "name": "Mouse ergonomico", "price": 39.90 }';
  return `
Ready; Ctrl-C stops everything.

  command-api       http://localhost:${commandApi.number}
  query-api         http://localhost:${queryApi.number}, with the catalogue page
  outbox-relay      http://localhost:${outboxRelay.number}
  query-worker      http://localhost:${queryWorker.number}
  price-history     http://localhost:${priceHistory.number}
  promotions        http://localhost:${promotions.number}
  promotions-relay  http://localhost:${promotionsRelay.number}

Write a product, and read it back:

  curl -D /tmp/answer -X POST http://localhost:${commandApi.number}/products -H "Content-Type: application/json" -d '${product}'
  curl -H "$(grep -i ^consistency-token /tmp/answer | tr -d '\\r')" http://localhost:${queryApi.number}/products
`;
}
