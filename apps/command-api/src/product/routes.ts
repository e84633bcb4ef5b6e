import { encodeToken, NewProduct, parseStepId, ProductPatch, Written } from '@catalogue/contracts';
import {
  callerOf,
  entityTagsPattern,
  type FastifyReply,
  type FastifyRequest,
  Problem,
  type ProblemType,
  problemResponses,
  type ResponseHeaders,
  type Server,
  withHeaders,
} from '@catalogue/service';
import { type Static, Type } from '@sinclair/typebox';
import type { Outcome, Submission } from '../commit/submission.ts';
import { newId } from '../new-id.ts';
import { idempotencyKeyOf } from './idempotency-key.ts';
import { idOf, ProductPath } from './path.ts';
import { versionsOf } from './preconditions.ts';
import type { ProductCommand, Refusal } from './product.ts';

export interface ProductCommands {
  submit(submission: Submission<ProductCommand>): Promise<Outcome<Refusal>>;
}

const Retryable = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({
      description:
        'Any text that is unique to this command. The same request with the same key is carried out once, and gets the ' +
        'same answer',
      minLength: 1,
      maxLength: 255,
      pattern: '^[!-~]([ -~]*[!-~])?$',
      examples: ['order-17'],
    }),
  ),
});
const Conditional = Type.Object({
  ...Retryable.properties,
  'if-match': Type.Optional(
    Type.String({
      description: 'The command is carried out only at one of these versions',
      pattern: entityTagsPattern,
      examples: ['"3"'],
    }),
  ),
});

const writtenHeaders: ResponseHeaders = {
  ETag: { type: 'string', description: 'The product’s version, for If-Match', pattern: '^"[1-9][0-9]*"$' },
  'Consistency-Token': { type: 'string', description: 'Send it with a query, and the answer includes this write' },
};
const Changed = withHeaders(Written, writtenHeaders);
const Created = withHeaders(Written, {
  ...writtenHeaders,
  Location: { type: 'string', description: 'The product’s path at query-api' },
});

const problemTypes = {
  'not-found': 'not-found',
  discontinued: 'product-discontinued',
  'version-mismatch': 'version-mismatch',
  'key-reused': 'key-reused',
} satisfies Record<Refusal | 'key-reused', ProblemType>;

const onAny = [
  'invalid-request',
  'not-acceptable',
  'body-too-large',
  'unsupported-media-type',
  'key-reused',
  'overloaded',
  'unavailable',
] as const;
const onExisting = ['not-found', 'product-discontinued', 'version-mismatch'] as const;

/**
 * The HTTP routes of the commands on products. A success means that the event is durable; it never depends on Kafka.
 * @param promotionsSubject who alone may send the request id of a promotion's step; everybody may if empty.
 */
export function productRoutes(app: Server, commands: ProductCommands, promotionsSubject = ''): void {
  const submit = (request: FastifyRequest, command: ProductCommand, isNew = false) => {
    const { id: requestId, traceparent, subject } = request;
    // Consumers take its event for the step's: promotions confirms it, price-history labels the price.
    if (promotionsSubject !== '' && subject !== promotionsSubject && parseStepId(requestId) !== undefined) {
      throw new Problem('forbidden', 'The X-Request-Id is that of a promotion, which only promotions may send');
    }
    const key = idempotencyKeyOf(request);
    return commands.submit({
      stream: command.id,
      command,
      eventId: newId(),
      metadata: { requestId, traceparent, ...(subject === '' ? {} : { subject }) },
      isNew,
      caller: callerOf(request),
      ...(key === undefined ? {} : { key }),
    });
  };

  app.post(
    '/products',
    {
      schema: {
        operationId: 'createProduct',
        tags: ['Products'],
        summary: 'Create a product',
        headers: Retryable,
        body: NewProduct,
        response: { 201: Created, ...problemResponses(...onAny) },
      },
    },
    async (request, reply) => {
      const { name, price } = request.body;
      const outcome = await submit(request, { type: 'create', id: newId(), name: name.trim(), price }, true);
      return written(reply.code(201).header('location', `/products/${outcome.stream}`), outcome);
    },
  );

  const change = async (request: FastifyRequest, reply: FastifyReply) => {
    const { name, price } = request.body as ProductPatch;
    const outcome = await submit(request, {
      type: 'change',
      id: idOf(request.params as Static<typeof ProductPath>),
      ...(name === undefined ? {} : { name: name.trim() }),
      ...(price === undefined ? {} : { price }),
      ...precondition(request),
    });
    return written(reply, outcome);
  };
  const changeSchema = {
    tags: ['Products'],
    summary: 'Change the given fields of a product',
    // RFC 7396. PUT has always changed only the given fields, so both methods accept both media types.
    consumes: ['application/json', 'application/merge-patch+json'],
    params: ProductPath,
    headers: Conditional,
    body: ProductPatch,
    response: { 200: Changed, ...problemResponses(...onAny, ...onExisting) },
  };
  app.put('/products/:id', { schema: { ...changeSchema, operationId: 'changeProduct' } }, change);
  app.patch('/products/:id', { schema: { ...changeSchema, operationId: 'patchProduct' } }, change);

  app.delete(
    '/products/:id',
    {
      schema: {
        operationId: 'discontinueProduct',
        tags: ['Products'],
        summary: 'Discontinue a product for good',
        params: ProductPath,
        headers: Conditional,
        response: { 200: Changed, ...problemResponses(...onAny, ...onExisting) },
      },
    },
    async (request, reply) => {
      const id = idOf(request.params);
      return written(reply, await submit(request, { type: 'discontinue', id, ...precondition(request) }));
    },
  );
}

function precondition(request: FastifyRequest): { ifMatch?: readonly number[] } {
  const ifMatch = versionsOf(request.headers['if-match']);
  return ifMatch === undefined ? {} : { ifMatch };
}

function written(reply: FastifyReply, { stream: id, version, refused }: Outcome<Refusal>): FastifyReply {
  if (refused !== undefined) throw new Problem(problemTypes[refused], detailOf(refused, id, version));
  return reply
    .header('etag', `"${version}"`)
    .header('consistency-token', encodeToken({ id, version }))
    .send({ id, version });
}

function detailOf(refused: Refusal | 'key-reused', id: string, version: number): string {
  switch (refused) {
    case 'not-found':
      return 'The product does not exist';
    case 'discontinued':
      return `Product ${id} was discontinued, at version ${version}`;
    case 'version-mismatch':
      return `Product ${id} is at version ${version}, which If-Match does not list`;
    case 'key-reused':
      return 'The Idempotency-Key was used for another request: send the first request again, or use a new key';
    default:
      return refused satisfies never;
  }
}
