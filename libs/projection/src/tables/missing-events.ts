import type { Sql, Transaction } from '@catalogue/postgres';

export interface Between {
  from: number;
  to: number;
  topic: string;
}

/**
 * The number of events that one generation has applied and the other has not, of the same topic: offsets of a deleted topic are
 * not comparable. Undefined before a worker has begun to fill the other.
 */
export async function readMissing(sql: Sql | Transaction, { from, to, topic }: Between): Promise<number | undefined> {
  const [row] = await sql<{ begun: boolean; missing: number }[]>`
    select exists (select from consumer_offsets where generation = ${to} and topic = ${topic}) as begun,
      coalesce(sum(greatest(old.next - coalesce(new.next, 0), 0)), 0)::bigint as missing
    from consumer_offsets old
      left join consumer_offsets new on new.generation = ${to} and new.topic = old.topic and new.partition = old.partition
    where old.generation = ${from} and old.topic = ${topic}
      and (new.topic_id is null or new.topic_id = old.topic_id)`;
  const { begun, missing } = row as { begun: boolean; missing: number };
  return begun ? missing : undefined;
}
