import type { Sql } from '@catalogue/postgres';
import { inState } from './items.ts';

/** A command to send. */
export interface Step {
  product: string;
  step: string;
  stepVersion: number;
  cents: number;
  state: 'applying' | 'giving-back';
  /** The command was certainly not sent yet. */
  unsent: boolean;
  /** The price must not be applied any more: the former price is sent with the step's key, so that no copy applies it. */
  prevents: boolean;
}

/** Whether sending the step applies the promoted price. */
export const appliesPrice = ({ state, prevents }: Step): boolean => state === 'applying' && !prevents;

/** Steps without a stored answer of command-api, including those that a killed process left behind. */
export async function readUnanswered(sql: Sql, id: string, limit: number): Promise<Step[]> {
  // Each state by itself, so that the index gives the order and skips settled items.
  const unanswered = (state: Step['state']) => sql`
    (select product, step, step_version, state, unsent, promoted_cents, before_cents from promotion_items
    where promotion = ${id} and ${inState(sql, state)} and answered_at is null order by state, product limit ${limit})`;
  return await sql<Step[]>`
    select product, step, step_version as "stepVersion", i.state, unsent,
      i.state = 'applying' and p.state <> 'applying' as prevents,
      case when i.state = 'applying' and p.state = 'applying' then promoted_cents else before_cents end as cents
    from (${unanswered('applying')} union all ${unanswered('giving-back')} limit ${limit}) i, promotions p
    where p.id = ${id}`;
}

/** Steps that may be sent now. */
export interface Sendable {
  steps: Step[];
  /** Milliseconds until the end of the promotion, on the database's clock: no price is applied after it. */
  msLeft: number;
}

/**
 * Marks steps as sent, just before they are sent. After the promotion's end, or when it is cancelled, returns no step
 * that applies a price, marked or not. For marked ones, the next round sends the former price (`Step.prevents`). Once
 * an operator has decided to keep the prices, no further step that gives one back is marked.
 */
export async function markSent(sql: Sql, id: string, steps: readonly Step[]): Promise<Sendable> {
  const unsent = steps.filter((step) => step.unsent);
  if (unsent.length === 0 && !steps.some(appliesPrice)) return { steps: [...steps], msLeft: 0 };
  const [marked] = await sql<{ applies: boolean; msLeft: number; marked: string[] }[]>`
    with allowed as (
      select state = 'applying' and ends_before > clock_timestamp() as applies, not keeps as gives_back,
        (extract(epoch from ends_before - clock_timestamp()) * 1000)::float8 as ms_left
      from promotions where id = ${id}
    ), marked as (
      update promotion_items i set unsent = false
      from allowed, (
        select ${id}::uuid as promotion, product from unnest(${unsent.map(({ product }) => product)}::text[]) product offset 0
      ) given
      where i.promotion = given.promotion and i.product = given.product and i.unsent
        and case i.state when 'applying' then applies when 'giving-back' then gives_back end
      returning i.step
    )
    select applies, ms_left as "msLeft", array(select step from marked) as marked from allowed`;
  const { applies = false, msLeft = 0 } = marked ?? {};
  const isMarked = new Set(marked?.marked);
  const isSendable = (step: Step) => (step.unsent ? isMarked.has(step.step) : applies || !appliesPrice(step));
  return { steps: steps.filter(isSendable), msLeft };
}

/**
 * The answer of command-api to a step:
 *
 * | Outcome     | Meaning                                                                                                 |
 * | ----------- | ------------------------------------------------------------------------------------------------------- |
 * | `answered`  | Its event, or another one of the next version, decides                                                  |
 * | `unchanged` | The product had the price already, so there will be no event                                            |
 * | `prevented` | The price was not applied, and cannot be any more. While the promotion applies prices, this means that  |
 * |             | someone else used its key: the product is refused                                                       |
 * | `refused`   | command-api refused to apply the price                                                                  |
 * | `gone`      | The product is discontinued                                                                             |
 * | `retry`     | command-api had an error, or refused to give the price back: it is sent again, `maxTries` times in all  |
 */
export interface StepAnswer {
  product: string;
  step: string;
  outcome: 'answered' | 'unchanged' | 'prevented' | 'refused' | 'gone' | 'retry';
  reason: string | null;
}

/** After this number of `retry` answers, an operator decides. */
const maxTries = 5;

/** Stores answers to steps. */
export async function storeAnswers(sql: Sql, id: string, answers: readonly StepAnswer[]): Promise<void> {
  await sql`
    with stored as (
      update promotion_items i
      set answered_at = case when a.outcome = 'answered' then clock_timestamp() end,
        state = case
          when a.outcome in ('refused', 'gone') then a.outcome
          when a.outcome = 'prevented' then case p.state when 'applying' then 'refused' else 'untouched' end
          when a.outcome = 'unchanged' then case i.state when 'applying' then 'applied' else 'given-back' end
          when a.outcome = 'retry' and i.tries + 1 >= ${maxTries} then 'failed'
          else i.state end,
        tries = i.tries + (a.outcome = 'retry')::integer,
        reason = case when a.outcome <> 'prevented' or p.state = 'applying' then a.reason end,
        step = case when a.outcome in ('answered', 'retry') then i.step end,
        step_version = case when a.outcome in ('answered', 'retry') then i.step_version end
      from promotions p, (
        select ${id}::uuid as promotion, array['applying', 'giving-back'] as states, *
        from jsonb_to_recordset(${sql.json(answers as never)}) as a (product text, step text, outcome text, reason text) offset 0
      ) a
      where p.id = ${id} and i.promotion = a.promotion and i.product = a.product and i.step = a.step and i.state = any(a.states)
      returning i.promotion, i.product, i.state
    )
    delete from claims using stored
    where claims.promotion = stored.promotion and claims.product = stored.product and stored.state in ('refused', 'gone', 'given-back', 'untouched')`;
}

/** More than a promotion has under way, also if several processes work on it. */
const maxSettled = 10_000;
/** Seconds after the answer, a step of a parked product fails, because its event waits for an operator. */
const parkedAfterS = 60;

/**
 * Ends the steps whose outcome is known. The product's next version is either the step's event, which is in
 * `confirmed_steps`, or someone else's: then the step can never take effect, not even one without an answer, because it
 * expects an earlier version. So the product is decided on again.
 *
 * All generations share `confirmed_steps`: a confirmation counts once the serving generation has the event.
 *
 * In the statement, `is_over` says that the product has a later version than the step expected, `is_lost` that an event
 * was discarded, which may have been the step's, and `is_parked` that the event may wait in a parked product. In the
 * last two cases an operator decides.
 *
 * @returns how many steps ended, and how many are still under way.
 */
export async function settleSteps(sql: Sql, id: string): Promise<{ settled: number; left: number }> {
  // In the order of the index by state, so that PostgreSQL reads no items in other states.
  const underWay = (state: Step['state']) => sql`
    (select promotion, product, state, step, step_version, answered_at, unsent from promotion_items
    where promotion = ${id} and ${inState(sql, state)} order by state, product limit ${maxSettled})`;
  const [counts] = await sql<{ settled: number; found: number }[]>`
    with found as (
      select i.promotion, i.product, i.step, promotions.state = 'applying' as is_applied, c.version as confirmed, p.version > i.step_version as is_over,
        coalesce(p.parked, false) and i.answered_at < clock_timestamp() - ${parkedAfterS} * interval '1 s' as is_parked,
        i.state = 'applying' and p.version > i.step_version and p.cents is null and not p.discontinued and not i.unsent as is_lost
      from (${underWay('applying')} union all ${underWay('giving-back')}) i join promotions on promotions.id = ${id}
      left join product_prices_read p on p.id = i.product
      left join confirmed_steps c on c.step = i.step and c.version <= p.version
    ), outcome as (
      select *, confirmed is not null or (coalesce(is_over, false) and not is_lost) as is_known from found
    ), settled as (
      update promotion_items i
      set state = case
          when o.confirmed is not null then case i.state when 'applying' then 'applied' else 'given-back' end
          when o.is_lost then 'failed'
          when o.is_over then case when i.state = 'giving-back' then 'applied' when o.is_applied then 'waiting' else 'untouched' end
          else 'failed' end,
        applied_version = case when o.confirmed is not null and i.state = 'applying' then o.confirmed else i.applied_version end,
        step = case when o.is_known then null else i.step end,
        step_version = case when o.is_known then null else i.step_version end,
        unsent = false, answered_at = null, tries = 0,
        reason = case when o.is_lost and o.confirmed is null
            then 'An event of the product was discarded, so the outcome of the last command is not known'
          when not o.is_known then 'Events of the product are parked, so the outcome of the last command is not known' end
      from outcome o
      where i.promotion = o.promotion and i.product = o.product and i.step = o.step
        and (o.confirmed is not null or o.is_over or o.is_parked)
      returning i.promotion, i.product, i.state
    ), released as (
      delete from claims using settled
      where claims.promotion = settled.promotion and claims.product = settled.product and settled.state in ('given-back', 'untouched')
    )
    select (select count(*) from settled)::integer as settled, (select count(*) from found)::integer as found`;
  const { settled = 0, found = 0 } = counts ?? {};
  return { settled, left: found - settled };
}
