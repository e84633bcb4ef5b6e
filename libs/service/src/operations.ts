import type { Server } from './fastify.ts';
import { checkReadiness, type Dependencies, type Readiness } from './health.ts';
import { askedTogether, type Registry } from './metrics.ts';
import { Problem } from './problem.ts';

/** Health and metrics of a process. */
interface Operations {
  readiness: () => Promise<Readiness>;
  scrape: () => Promise<string>;
  contentType: string;
  /** Another server serves them. */
  areElsewhere: boolean;
}

const operationsOf = new WeakMap<Server, Operations>();

/** Serves health and metrics, unless they move to another server later. */
export function operate(app: Server, metrics: Registry, dependencies: Dependencies): void {
  let stopping = false;
  app.addHook('preClose', (done) => {
    stopping = true;
    done();
  });
  const operations: Operations = {
    readiness: askedTogether(() => checkReadiness(dependencies, stopping)),
    scrape: askedTogether(() => metrics.metrics()),
    contentType: metrics.contentType,
    areElsewhere: false,
  };
  operationsOf.set(app, operations);
  addRoutes(app, operations);
}

/** Answers `404` for health and metrics once they have moved. Comes before authentication. */
export function hideMovedOperations(app: Server): void {
  app.addHook('onRequest', (request, _reply, done) => {
    const isHere = request.routeOptions.config.isOperation !== true || operationsOf.get(app)?.areElsewhere === false;
    done(isHere ? undefined : new Problem('not-found', 'No resource has this address'));
  });
}

/** Moves health and metrics to a server that only operators reach: they need no access token there. */
export function moveOperations(from: Server, to: Server): void {
  const operations = operationsOf.get(from);
  if (operations === undefined) throw new Error('The server has no health and metrics');
  addRoutes(to, operations);
  operations.areElsewhere = true;
}

function addRoutes(app: Server, { readiness, scrape, contentType }: Operations): void {
  const schema = { hide: true };
  app.get('/health/live', { config: { isOperation: true }, schema }, () => ({ status: 'live' }));
  app.get('/health/ready', { config: { isOperation: true }, schema }, async (_request, reply) => {
    const { ready, ...body } = await readiness();
    return reply.code(ready ? 200 : 503).send(body);
  });
  app.get('/metrics', { config: { isOperation: true, scope: 'catalogue:ops' }, schema }, async (_request, reply) => {
    return reply.type(contentType).send(await scrape());
  });
}
