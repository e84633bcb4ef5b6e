import { encodeToken, Price, ProductName } from '@catalogue/contracts';
import {
  type FastifyReply,
  type FastifyRequest,
  Problem,
  type ProblemType,
  problemResponses,
  type Server,
} from '@catalogue/service';
import { type Static, Type } from '@sinclair/typebox';
import { v7 as uuidv7 } from 'uuid';
import type { Outcome, Submission } from '../group-commit.ts';
import { versionsOf } from './preconditions.ts';
import type { ProductCommand, Refusal } from './product.ts';

export interface ProductCommands {
  submit(submission: Submission<ProductCommand>): Promise<Outcome<Refusal>>;
}

const NewProduct = Type.Object({ name: ProductName, price: Price }, { description: 'A product to be' });
const ProductPatch = Type.Partial(NewProduct, { description: 'What is to change; the rest stays as it is' });
const ProductPath = Type.Object({ id: Type.String({ description: 'The product’s id, a UUID' }) });
const Preconditions = Type.Object({
  'if-match': Type.Optional(
    Type.String({ description: 'Carry it out only at this version of the product', examples: ['"3"'] }),
  ),
});
const Written = Type.Object({ id: Type.String(), version: Type.Integer() }, { description: 'The write is durable' });

const problemTypes = {
  'not-found': 'not-found',
  discontinued: 'product-discontinued',
  'version-mismatch': 'version-mismatch',
} satisfies Record<Refusal, ProblemType>;

const onExisting = problemResponses(
  'invalid-request',
  'not-found',
  'product-discontinued',
  'version-mismatch',
  'body-too-large',
  'unsupported-media-type',
  'unavailable',
);

/** The commands on products over HTTP. A success is sent only when its event is durable; it never depends on Kafka. */
export function productRoutes(app: Server, commands: ProductCommands, now: () => Date): void {
  const submit = async (request: FastifyRequest, command: ProductCommand, isNew = false) => {
    const { id: requestId, traceparent } = request;
    const metadata = { requestId, traceparent };
    return commands.submit({ stream: command.id, command, eventId: uuidv7(), at: now(), metadata, isNew });
  };

  app.post(
    '/products',
    {
      schema: {
        summary: 'Create a product',
        body: NewProduct,
        response: {
          201: Written,
          ...problemResponses('invalid-request', 'body-too-large', 'unsupported-media-type', 'unavailable'),
        },
      },
    },
    async (request, reply) => {
      const { name, price } = request.body;
      const id = uuidv7();
      const outcome = await submit(request, { type: 'create', id, name: name.trim(), price }, true);
      return written(reply.code(201).header('location', `/products/${id}`), id, outcome);
    },
  );

  const change = async (request: FastifyRequest, reply: FastifyReply) => {
    const id = idOf(request.params as Static<typeof ProductPath>);
    const { name, price } = request.body as Static<typeof ProductPatch>;
    const outcome = await submit(request, {
      type: 'change',
      id,
      ...(name === undefined ? {} : { name: name.trim() }),
      ...(price === undefined ? {} : { price }),
      ...precondition(request),
    });
    return written(reply, id, outcome);
  };
  const changeSchema = {
    params: ProductPath,
    headers: Preconditions,
    body: ProductPatch,
    response: { 200: Written, ...onExisting },
  };
  app.put('/products/:id', { schema: { summary: 'Change what is given', ...changeSchema } }, change);
  app.patch(
    '/products/:id',
    { schema: { summary: 'Change what is given', consumes: ['application/merge-patch+json'], ...changeSchema } },
    change,
  );

  app.delete(
    '/products/:id',
    {
      schema: {
        summary: 'Discontinue a product for good',
        params: ProductPath,
        headers: Preconditions,
        response: { 200: Written, ...onExisting },
      },
    },
    async (request, reply) => {
      const id = idOf(request.params);
      return written(reply, id, await submit(request, { type: 'discontinue', id, ...precondition(request) }));
    },
  );
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function idOf({ id }: Static<typeof ProductPath>): string {
  const canonical = id.toLowerCase();
  if (!uuid.test(canonical)) throw new Problem('not-found', 'There is no such product');
  return canonical;
}

function precondition(request: FastifyRequest): { ifMatch?: readonly number[] } {
  const ifMatch = versionsOf(request.headers['if-match']);
  return ifMatch === undefined ? {} : { ifMatch };
}

function written(reply: FastifyReply, id: string, { version, refused }: Outcome<Refusal>): FastifyReply {
  if (refused !== undefined) throw new Problem(problemTypes[refused], detailOf(refused, id, version));
  return reply
    .header('etag', `"${version}"`)
    .header('consistency-token', encodeToken({ id, version }))
    .send({ id, version });
}

function detailOf(refused: Refusal, id: string, version: number): string {
  switch (refused) {
    case 'not-found':
      return 'There is no such product';
    case 'discontinued':
      return `Product ${id} was discontinued, at version ${version}`;
    case 'version-mismatch':
      return `Product ${id} is at version ${version}, which If-Match does not list`;
    default:
      return refused satisfies never;
  }
}
