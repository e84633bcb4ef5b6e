import type { Fault, HistoryEntry, NewProduct, ProblemType, Product, ProductPatch, Written } from '@catalogue/client';
import type * as contracts from '@catalogue/contracts';
import type * as service from '@catalogue/service';
import { expectTypeOf, test } from 'vitest';

// The client's types are written by hand, because the package has no dependencies. The compiler compares them with the APIs'
// here rather than in libs/client, so that a change of contracts or service does not release the client.
test('the client’s types equal those that the APIs validate and answer', () => {
  expectTypeOf<Product>().toEqualTypeOf<contracts.Product>();
  expectTypeOf<NewProduct>().toEqualTypeOf<contracts.NewProduct>();
  expectTypeOf<Written>().toEqualTypeOf<contracts.Written>();
  expectTypeOf<HistoryEntry>().toEqualTypeOf<contracts.HistoryEntry>();
  expectTypeOf<Required<ProductPatch>>().toEqualTypeOf<Required<contracts.ProductPatch>>();
  expectTypeOf<ProblemType>().toEqualTypeOf<service.ProblemType>();
  expectTypeOf<Fault>().toEqualTypeOf<service.Fault>();
});
