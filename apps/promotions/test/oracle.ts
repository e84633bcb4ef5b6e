import { findUnreturnedPrices } from '@catalogue/testing';
import { expect } from 'vitest';
import type { Pipeline } from './pipeline.ts';

/** Checks products whose promotions are over, by the event store. */
export async function expectGivenBack({ events }: Pipeline, products: readonly string[]): Promise<void> {
  expect(await findUnreturnedPrices(events, products)).toEqual([]);
}
