import type { Sql } from '@catalogue/postgres';

/** A command to send. */
export interface Step {
  product: string;
  step: string;
  stepVersion: number;
  cents: number;
  state: 'applying' | 'giving-back';
  /** It was certainly not sent yet. */
  unsent: boolean;
}

/** Steps that command-api has not answered, as far as is known; also those that a killed process left behind. */
export async function readUnanswered(sql: Sql, id: string, limit: number): Promise<Step[]> {
  return await sql<Step[]>`
    select product, step, step_version as "stepVersion", state, unsent,
      case state when 'applying' then promoted_cents else before_cents end as cents
    from promotion_items
    where promotion = ${id} and state in ('applying', 'giving-back') and answered_at is null
    order by product limit ${limit}`;
}

/**
 * Marks steps as sent, just before they are. The steps to apply a price that were not marked before are left out once the promotion's
 * end has come, or it is cancelled: they are not sent any more.
 */
export async function markSent(sql: Sql, id: string, steps: readonly Step[]): Promise<Step[]> {
  const products = steps.map(({ product }) => product);
  const marked = await sql<{ product: string; step: string }[]>`
    update promotion_items i set unsent = false
    from promotions p
    where p.id = ${id} and i.promotion = p.id and i.product = any(${products}::text[]) and i.unsent
      and p.state = 'applying' and p.ends_before > clock_timestamp()
    returning i.product, i.step`;
  const sendable = new Set(marked.map(({ step }) => step));
  return steps.filter(({ step, unsent }) => !unsent || sendable.has(step));
}

/**
 * What an answer says about a step. `answered`: its event, or another one of the next version, decides. `unchanged`: the product had
 * the price already, so there will be no event.
 */
export interface StepAnswer {
  product: string;
  step: string;
  outcome: 'answered' | 'unchanged' | 'refused' | 'gone' | 'tried';
  reason: string | null;
}

/** After so many refusals an operator decides. */
const maxTries = 5;

/** Stores answers to steps. */
export async function storeAnswers(sql: Sql, id: string, answers: readonly StepAnswer[]): Promise<void> {
  await sql`
    with stored as (
      update promotion_items i
      set answered_at = case when a.outcome = 'answered' then clock_timestamp() end,
        state = case
          when a.outcome in ('refused', 'gone') then a.outcome
          when a.outcome = 'unchanged' then case i.state when 'applying' then 'applied' else 'given-back' end
          when a.outcome = 'tried' and i.tries + 1 >= ${maxTries} then 'failed'
          else i.state end,
        tries = i.tries + (a.outcome = 'tried')::integer,
        reason = a.reason,
        step = case when a.outcome in ('answered', 'tried') then i.step end,
        step_version = case when a.outcome in ('answered', 'tried') then i.step_version end
      from jsonb_to_recordset(${sql.json(answers as never)}) as a (product text, step text, outcome text, reason text)
      where i.promotion = ${id} and i.product = a.product and i.step = a.step and i.state in ('applying', 'giving-back')
      returning i.product, i.state
    )
    delete from claims using stored
    where claims.promotion = ${id} and claims.product = stored.product and stored.state in ('refused', 'gone', 'given-back')`;
}

/** A step whose answer came, but whose event waits for an operator. */
const parkedAfterS = 60;

/**
 * Ends the steps whose outcome is known. The product's next version is either the step's event, which `confirmed_steps` has, or
 * someone else's: then the step can never take effect, and the product is decided on again. (A step that is not answered may be
 * under way, but it expects a version that is over.)
 *
 * All generations share `confirmed_steps`: a confirmation counts once the serving one has the event, too. Where an event was
 * discarded, it may have been the step's: an operator decides.
 *
 * @returns how many steps ended, and how many are still under way.
 */
export async function settleSteps(sql: Sql, id: string): Promise<{ settled: number; left: number }> {
  const [counts] = await sql<{ settled: number; found: number }[]>`
    with found as (
      select i.product, i.step, promotions.state = 'applying' as is_applied, c.version as confirmed, p.version > i.step_version as is_over,
        coalesce(p.parked, false) and i.answered_at < clock_timestamp() - ${parkedAfterS} * interval '1 s' as is_parked,
        i.state = 'applying' and p.version > i.step_version and p.cents is null and not p.discontinued and not i.unsent as is_lost
      from promotion_items i join promotions on promotions.id = i.promotion
      left join product_prices_read p on p.id = i.product
      left join confirmed_steps c on c.step = i.step and c.version <= p.version
      where i.promotion = ${id} and i.state in ('applying', 'giving-back')
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
      where i.promotion = ${id} and i.product = o.product and i.step = o.step
        and (o.confirmed is not null or o.is_over or o.is_parked)
      returning i.product, i.state
    ), released as (
      delete from claims using settled
      where claims.promotion = ${id} and claims.product = settled.product and settled.state in ('given-back', 'untouched')
    )
    select (select count(*) from settled)::integer as settled, (select count(*) from found)::integer as found`;
  const { settled = 0, found = 0 } = counts ?? {};
  return { settled, left: found - settled };
}
