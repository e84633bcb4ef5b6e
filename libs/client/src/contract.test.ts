import type * as contracts from '@catalogue/contracts';
import type * as service from '@catalogue/service';
import { expectTypeOf, test } from 'vitest';
import type { Fault, HistoryEntry, NewProduct, ProblemType, Product, ProductPatch, Written } from './index.ts';

// Written out, so that the package depends on nothing. That they are the contracts' own is checked by the compiler.
test('the client’s types are those that the APIs answer with and check for', () => {
  expectTypeOf<Product>().toEqualTypeOf<contracts.Product>();
  expectTypeOf<NewProduct>().toEqualTypeOf<contracts.NewProduct>();
  expectTypeOf<Written>().toEqualTypeOf<contracts.Written>();
  expectTypeOf<HistoryEntry>().toEqualTypeOf<contracts.HistoryEntry>();
  expectTypeOf<Required<ProductPatch>>().toEqualTypeOf<Required<contracts.ProductPatch>>();
  expectTypeOf<ProblemType>().toEqualTypeOf<service.ProblemType>();
  expectTypeOf<Fault>().toEqualTypeOf<service.Fault>();
});
