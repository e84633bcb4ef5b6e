import type { TSchema } from '@sinclair/typebox';
import { TypeCompiler, type ValueError, ValueErrorType } from '@sinclair/typebox/compiler';
import type { FastifySchemaCompiler } from 'fastify';
import { type Fault, Problem } from './problem.ts';

const maxFaults = 20;

/** The key of a custom schema's own fault message, used where its other keywords would give a misleading one. */
export const rule = Symbol('rule');

/**
 * Validates requests by the same compiled TypeBox schemas as events, without coercion. With a second validator, the API could
 * accept values that the projection refuses.
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
    // Only the first error of a member: for a missing one, errors of its type follow.
    if (!byPointer.has(error.path)) byPointer.set(error.path, messageOf(error));
    if (byPointer.size === maxFaults) break;
  }
  return [...byPointer].map(([pointer, message]) => ({ pointer, message }));
}

/**
 * The fault as a sentence that begins with a verb. For a custom schema it comes from the schema's keywords, or from its
 * description if the keywords do not express the rule.
 */
function messageOf(error: ValueError): string {
  const { schema, value, type, message } = error;
  if (value === undefined) return 'Is required';
  if (type === ValueErrorType.ObjectAdditionalProperties) return 'Is unknown';
  const said = (schema as { [rule]?: string })[rule];
  if (said !== undefined) return said;
  const fault = faultOfType(schema, value) ?? faultOfNumber(schema, value) ?? faultOfLength(schema, value);
  if (fault !== undefined) return fault;
  if (type === ValueErrorType.StringPattern) {
    const [example] = (schema.examples ?? []) as string[];
    return `Is malformed: well-formed is, for example, ${example}`;
  }
  return type === ValueErrorType.Kind ? (schema.description ?? message) : message;
}

const typeNames: Record<string, string> = {
  object: 'a JSON object',
  array: 'a list',
  string: 'a string',
  number: 'a number',
};

function faultOfType({ type }: TSchema, value: unknown): string | undefined {
  const found = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
  const expected = typeNames[String(type)];
  if (found === type || expected === undefined) return undefined;
  return `Must be ${expected}, not ${found === 'null' ? found : (typeNames[found] ?? `a ${found}`)}`;
}

function faultOfNumber({ minimum, maximum }: TSchema, value: unknown): string | undefined {
  if (typeof value !== 'number') return undefined;
  if (Number.isNaN(value)) return 'Must have fewer digits: this number cannot be kept exactly';
  if (value < minimum) return `Must be at least ${minimum}`;
  return value > maximum ? `Must be at most ${maximum}` : undefined;
}

/** Counts code points, without surrounding white space. */
function faultOfLength({ minLength, maxLength }: TSchema, value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const { length } = [...value.trim()];
  if (length < minLength) return minLength === 1 ? 'Must not be empty' : `Must have at least ${minLength} characters`;
  return length > maxLength ? `Must have at most ${maxLength} characters, not ${length}` : undefined;
}
