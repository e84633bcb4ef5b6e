import { changes } from './changes.ts';
import { creates } from './creates.ts';
import { drain, drainAvro } from './drain.ts';
import { commits, route } from './floors.ts';
import { grownChanges } from './grown.ts';
import { offered } from './offered.ts';
import { outage } from './outage.ts';
import { firstRows } from './page.ts';
import { priorPrices, reductions } from './prices.ts';
import { largePromotion, smallPromotions } from './promotions.ts';
import { catchUp, catchUpAvro, catchUpMillion, pricesCatchUp, pricesCatchUpMillion, rebuild } from './projection.ts';
import {
  few,
  filling,
  firstPage,
  firstPageWithToken,
  many,
  notModified,
  oneProduct,
  oneSecured,
  oneWithToken,
  pages,
  priceChanges,
  reads,
} from './reads.ts';
import { rate, rateOf, type Scenario } from './scenario.ts';
import { searches } from './searches.ts';
import { streams } from './stream.ts';
import { steady, visibility, wholeCreates } from './whole.ts';

/**
 * In the order of a round: each scenario beside its floors, those with relay and worker last. The targets were set before the
 * first measurement.
 */
export const scenarios: Scenario[] = [
  commits(32),
  route(32),
  creates({
    name: 'creates-32',
    title: 'Creates, 32 connections',
    connections: 32,
    targets: [rate(18_000), rateOf('commits-32', 0.7), rateOf('route-32'), { figure: 'p99', atMost: 10 }],
  }),
  creates({
    name: 'creates-32-jwt',
    title: 'Creates with an access token, one for each of 32 connections',
    connections: 32,
    secured: true,
    targets: [rateOf('creates-32', 0.85)],
  }),
  creates({
    name: 'keyed-creates-32',
    title: 'Creates with an Idempotency-Key each, 32 connections',
    connections: 32,
    keyed: true,
    targets: [rateOf('creates-32', 0.7)],
  }),
  changes({
    name: 'changes-10000',
    title: 'Changes over 10 000 products, 32 connections',
    products: 10_000,
    targets: [rate(10_000), rateOf('commits-32'), rateOf('route-32')],
  }),
  changes({
    name: 'changes-1',
    title: 'Changes of one product, 32 connections',
    products: 1,
    targets: [rate(2_000), rateOf('commits-32')],
  }),
  route(256),
  creates({
    name: 'creates-256',
    title: 'Creates, 256 connections',
    connections: 256,
    targets: [rate(22_000), rateOf('commits-32'), rateOf('route-256')],
  }),
  commits(1),
  route(1),
  creates({
    name: 'lone-create',
    title: 'Creates one after the other, 1 connection',
    connections: 1,
    targets: [{ figure: 'p50', atMost: 1.5 }, rateOf('commits-1'), rateOf('route-1')],
  }),
  drain,
  drainAvro,
  catchUp,
  catchUpAvro,
  pricesCatchUp,
  catchUpMillion,
  pricesCatchUpMillion,
  grownChanges,
  reads({
    name: 'read-one',
    title: 'Show one product',
    products: few,
    reads: oneProduct,
    targets: [rate(30_000), { figure: 'p99', atMost: 5 }],
  }),
  oneSecured,
  reads({
    name: 'read-one-token',
    title: 'One product, with a token that is satisfied',
    products: few,
    reads: oneWithToken,
    targets: [rateOf('read-one', 0.8)],
  }),
  reads({
    name: 'read-304',
    title: 'One product that the client has already',
    products: few,
    expected: 304,
    reads: notModified,
    targets: [rate(25_000)],
  }),
  reads({
    name: 'read-page',
    title: 'The first page of 50',
    products: few,
    reads: firstPage,
    targets: [rate(15_000)],
  }),
  reads({
    name: 'read-page-token',
    title: 'The first page of 50, with a token that is satisfied',
    products: few,
    reads: firstPageWithToken,
    targets: [rateOf('read-page', 0.8)],
  }),
  pages(few, [{ figure: 'first' }, { figure: 'last' }]),
  streams,
  filling,
  reads({
    name: 'million-one',
    title: 'Show one product',
    products: many,
    reads: oneProduct,
    targets: [rateOf('read-one', 1 / 1.5)],
  }),
  pages(many, [
    { figure: 'first', of: `pages-${few}`, atMost: 1.5 },
    { figure: 'last', of: `pages-${few}`, atMost: 1.5 },
  ]),
  ...searches,
  priorPrices,
  reductions,
  priceChanges,
  visibility,
  steady,
  wholeCreates,
  ...offered,
  outage('kafka'),
  outage('read-db'),
  smallPromotions,
  largePromotion,
  rebuild,
  firstRows,
];
