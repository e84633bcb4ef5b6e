import type { KafkaError, Topic } from '@catalogue/kafka';
import type { Sql } from '@catalogue/postgres';
import type { Generation } from '@catalogue/projection-schema';
import type { Model } from '../../model.ts';
import { type Position, readPositions } from '../../tables/positions.ts';
import { readUnbuilt } from '../../tables/unbuilt-indexes.ts';

/** The progress of a generation, in events over all partitions. */
export interface Progress {
  generation: number;
  state: Generation['state'];
  /** When it was measured, in milliseconds since 1970. */
  at: number;
  applied: number;
  /** Events in the topic that are not applied; null while the end of a partition is unknown. */
  behind: number | null;
  /** Events that wait for an operator. */
  parked: number;
  /** Indexes that are not built yet: the workers build them when no event is left. */
  unbuilt: number;
  /** Events applied per second since `before`; 0 without it. */
  perSecond: number;
  /** Whole seconds until no event is left at this rate; null if unknown, or if the generation does not catch up. */
  secondsLeft: number | null;
}

/** The progress of each generation; with an earlier result as `before`, also its rate. */
export async function readProgress(
  sql: Sql,
  model: Pick<Model, 'indexes'>,
  topic: Topic & { ends: readonly (number | KafkaError)[] },
  before: readonly Progress[] = [],
): Promise<Progress[]> {
  const positions = await readPositions(sql, topic);
  const parked = await sql<{ generation: number; count: number }[]>`
    select generation, count(*) as count from parked_events group by generation`;
  const generations = Map.groupBy(positions, ({ generation }) => generation);
  const unbuilt = new Map<number, number>();
  for (const generation of generations.keys())
    unbuilt.set(generation, (await readUnbuilt(sql, model, generation)).length);
  return [...generations].map(([generation, those]) => {
    const now = {
      generation,
      state: (those[0] as Position).state,
      at: Date.now(),
      applied: those.reduce((sum, { next }) => sum + next, 0),
      behind: behindOf(those, topic.ends),
      parked: parked.find((row) => row.generation === generation)?.count ?? 0,
      unbuilt: unbuilt.get(generation) ?? 0,
    };
    return { ...now, ...speed(before.find((then) => then.generation === generation) ?? now, now) };
  });
}

function behindOf(positions: readonly Position[], ends: readonly (number | KafkaError)[]): number | null {
  let behind = 0;
  for (const { partition, next } of positions) {
    const end = ends[partition] ?? 0;
    if (typeof end !== 'number') return null;
    behind += Math.max(end - next, 0);
  }
  return behind;
}

type Measured = Pick<Progress, 'at' | 'applied' | 'behind'>;

function speed(then: Measured, now: Measured): Pick<Progress, 'perSecond' | 'secondsLeft'> {
  const seconds = Math.max(now.at - then.at, 1) / 1000;
  const perSecond = Math.round((now.applied - then.applied) / seconds);
  if (now.behind === 0) return { perSecond, secondsLeft: 0 };
  if (then.behind === null || now.behind === null) return { perSecond, secondsLeft: null };
  // Events that arrive meanwhile have to be applied as well.
  const closing = (then.behind - now.behind) / seconds;
  return { perSecond, secondsLeft: closing > 0 ? Math.ceil(now.behind / closing) : null };
}
