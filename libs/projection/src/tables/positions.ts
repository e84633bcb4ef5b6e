import type { Topic } from '@catalogue/kafka';
import type { Sql } from '@catalogue/postgres';
import type { Generation } from '@catalogue/projection-schema';

/** The position of a generation in a partition of the topic. */
export interface Position {
  generation: number;
  state: Generation['state'];
  partition: number;
  /** The offset of the first message that is not applied; 0 also before a worker begins. */
  next: number;
}

/** The position of each generation that is not dropped in each partition of the topic. */
export async function readPositions(sql: Sql, { name, id, partitions }: Topic): Promise<Position[]> {
  return await sql<Position[]>`
    select g.generation, g.state, p.partition, coalesce(o.next, 0) as next
    from generations g
      cross join generate_series(0, ${partitions - 1}::int) as p (partition)
      left join consumer_offsets o on o.generation = g.generation and o.partition = p.partition
        and o.topic = ${name} and o.topic_id = ${id}
    where g.state <> 'dropped'
    order by g.generation, p.partition`;
}
