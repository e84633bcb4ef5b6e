import type { Sql } from '@catalogue/postgres';
import {
  entityTagsPattern,
  type FastifyReply,
  type FastifyRequest,
  parseEntityTags,
  Problem,
  type Server,
  withHeaders,
} from '@catalogue/service';
import { type Static, Type } from '@sinclair/typebox';
import type { Operation } from '../machine/operate.ts';
import { changeEnd, type EndChanged } from '../tables/change-end.ts';
import { type Asked, operatePromotion } from '../tables/operations.ts';
import { originOf } from './origin.ts';
import { isUuid } from './promotions.ts';
import { claimed, invalid } from './schedule.ts';
import { EndChange, operationProblems, Promotion, PromotionPath, tagHeader } from './schemas.ts';
import { showPromotion } from './shown.ts';

const summaries: Record<Operation, string> = {
  cancel: 'Cancel a promotion: before its start no price changes; after it, the former prices are restored',
  retry: 'Try the failed products of a promotion again',
  keep: 'Keep the prices that are still promoted, instead of restoring the former ones',
};

const Conditional = Type.Object({
  'if-match': Type.Optional(
    Type.String({
      description: 'The request is carried out only at one of these versions',
      pattern: entityTagsPattern,
      examples: ['"3"'],
    }),
  ),
});

/** The routes by which an operator changes a promotion. `wake` tells the driver that one is due. */
export function operationRoutes(app: Server, { sql, wake }: { sql: Sql; wake: () => void }): void {
  const schema = {
    tags: ['Promotions'],
    params: PromotionPath,
    headers: Conditional,
    response: { 200: withHeaders(Promotion, tagHeader), ...operationProblems },
  };
  for (const operation of ['cancel', 'retry', 'keep'] as const) {
    app.post(
      `/promotions/:id/${operation}`,
      { schema: { ...schema, operationId: `${operation}Promotion`, summary: summaries[operation] } },
      async (request, reply) => {
        const id = existing(request.params.id);
        const operated = await operatePromotion(sql, id, operation, asked(request));
        wake();
        return answer(reply, operated);
      },
    );
  }
  app.patch(
    '/promotions/:id',
    {
      schema: {
        ...schema,
        operationId: 'changePromotion',
        summary: 'Change the end of a promotion that is scheduled, applying or active',
        consumes: ['application/json', 'application/merge-patch+json'],
        body: EndChange,
      },
    },
    async (request, reply) => {
      const endsBefore = new Date(request.body.endsBefore.toUpperCase());
      const id = existing(request.params.id);
      const operated = await changeEnd(sql, id, endsBefore, asked(request));
      wake();
      return answer(reply, operated);
    },
  );
}

function existing(id: string): string {
  if (!isUuid(id)) throw new Problem('not-found', 'The promotion does not exist');
  return id;
}

function asked(request: FastifyRequest<{ Headers: Static<typeof Conditional> }>): Asked {
  return { expected: expectedBy(request.headers['if-match']), origin: originOf(request) };
}

/** Whether `If-Match` allows a version; the entity tag of a promotion with its progress begins with the version, too. */
function expectedBy(ifMatch: string | undefined): (version: number) => boolean {
  const tags = ifMatch === undefined ? '*' : parseEntityTags(ifMatch);
  return (version) =>
    tags === '*' || (tags ?? []).some(({ text, weak }) => !weak && text.split('.')[0] === String(version));
}

function answer(reply: FastifyReply, operated: EndChanged): FastifyReply {
  if (operated === 'not-found') throw new Problem('not-found', 'The promotion does not exist');
  if (operated === 'version-mismatch') throw new Problem('version-mismatch', 'The promotion is at another version');
  if ('refused' in operated) throw new Problem('not-possible', operated.refused);
  if ('invalidEnd' in operated) throw invalid({ pointer: '/endsBefore', message: operated.invalidEnd });
  if ('clashes' in operated) throw claimed(operated.clashes, operated.count, () => '/endsBefore');
  return reply.code(200).header('etag', `"${operated.row.version}"`).send(showPromotion(operated.row));
}
