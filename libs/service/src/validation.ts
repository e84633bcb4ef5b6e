import type { TSchema } from '@sinclair/typebox';
import { TypeCompiler, type ValueError } from '@sinclair/typebox/compiler';
import type { FastifySchemaCompiler } from 'fastify';
import { type Fault, Problem } from './problem.ts';

const mostFaults = 20;

/**
 * Checks requests by the same compiled TypeBox schemas that check events, without coercion: with a second validator the API
 * would accept what the projection then refuses.
 */
export const validatorCompiler: FastifySchemaCompiler<TSchema> = ({ schema }) => {
  const check = TypeCompiler.Compile(schema);
  return (value: unknown) => {
    if (check.Check(value)) return { value };
    return {
      error: new Problem('invalid-request', 'The request is not valid: see errors', {
        faults: faultsOf(check.Errors(value)),
      }),
    };
  };
};

function faultsOf(errors: Iterable<ValueError>): Fault[] {
  const byPointer = new Map<string, string>();
  for (const error of errors) {
    // The first says most: for a missing member the checks of its type follow.
    if (!byPointer.has(error.path)) byPointer.set(error.path, messageOf(error));
    if (byPointer.size === mostFaults) break;
  }
  return [...byPointer].map(([pointer, message]) => ({ pointer, message }));
}

function messageOf({ schema, value, message }: ValueError): string {
  if (value === undefined) return 'Is required';
  return typeof schema.description === 'string' ? `Is not valid: ${schema.description}` : message;
}
