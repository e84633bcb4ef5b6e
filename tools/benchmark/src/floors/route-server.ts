// The route of a create without the store: the same server, schemas and headers, answered at once.
import { encodeToken, NewProduct, Written } from '@catalogue/contracts';
import { createLogger, createMetrics, createServer, problemResponses } from '@catalogue/service';
import { randomUUID } from 'node:crypto';

const app = await createServer({
  log: createLogger('route', 'warn'),
  metrics: createMetrics('route'),
  dependencies: {},
  api: { title: 'Floor', description: 'Answers at once.' },
});
app.post(
  '/products',
  {
    schema: {
      body: NewProduct,
      response: {
        201: Written,
        ...problemResponses('invalid-request', 'body-too-large', 'unsupported-media-type', 'unavailable'),
      },
    },
  },
  async (_request, reply) => {
    const id = randomUUID();
    return reply
      .code(201)
      .header('location', `/products/${id}`)
      .header('etag', '"1"')
      .header('consistency-token', encodeToken({ id, version: 1 }))
      .send({ id, version: 1 });
  },
);
process.once('disconnect', () => process.exit());
const address = await app.listen({ port: 0, host: '127.0.0.1' });
process.send?.(Number(new URL(address).port));
