-- The beginning of the first migration of a service with a read model: the tables of libs/projection (src/tables.ts), with
-- collations, checks and the first generation, which src/tables.ts lacks.
create table generations (
  generation integer primary key not null,
  state text not null check (state in ('filling', 'serving', 'retired', 'dropped')),
  created_at timestamp(6) with time zone default now() not null
);
--> statement-breakpoint
create unique index generations_one_serving on generations using btree (state) where state = 'serving';
--> statement-breakpoint
create unique index generations_one_filling on generations using btree (state) where state = 'filling';
--> statement-breakpoint
insert into generations values (1, 'serving');
--> statement-breakpoint
create table consumer_offsets (
  generation integer not null,
  topic text not null,
  partition integer not null,
  topic_id text not null,
  next bigint not null check (next >= 0),
  attempts integer not null default 0,
  unreadable integer not null default 0,
  primary key (generation, topic, partition)
);
--> statement-breakpoint
create table parked_events (
  generation integer not null,
  topic text not null,
  partition integer not null,
  "offset" bigint not null,
  product_id text collate "C" not null,
  version integer,
  event_id text,
  type text,
  reason text not null check (reason in ('unreadable', 'newer-schema', 'gap', 'fork', 'crash', 'queued')),
  detail text not null,
  message bytea,
  traceparent text,
  draining boolean default false not null,
  parked_at timestamp(6) with time zone default now() not null,
  primary key (generation, topic, partition, "offset")
);
--> statement-breakpoint
create index parked_events_by_product on parked_events using btree (generation, product_id, version);
--> statement-breakpoint
create index parked_events_draining on parked_events using btree (generation, product_id) where draining;
--> statement-breakpoint
create table discards (
  product_id text collate "C" not null,
  version integer not null,
  event_id text default '' not null,
  detail text not null,
  discarded_at timestamp(6) with time zone default now() not null,
  primary key (product_id, version, event_id)
);
--> statement-breakpoint
-- For a constraint over a text and a range. PostgreSQL 18 could say `without overlaps`; 15 is supported, too. The extension is
-- trusted: the owner of the database may create it.
create extension if not exists btree_gist;
--> statement-breakpoint
create table promotions (
  id uuid primary key not null,
  name text not null,
  rule text not null check (rule in ('percent', 'price', 'amount-off')),
  amount bigint not null check (amount >= 0),
  starts_at timestamp(3) with time zone not null,
  ends_before timestamp(3) with time zone not null check (ends_before > starts_at),
  on_refusal text not null check (on_refusal in ('skip', 'undo')),
  query jsonb,
  claimed_to text collate "C",
  is_claimed boolean default false not null,
  clashes jsonb default '[]'::jsonb not null,
  clash_count integer default 0 not null,
  state text not null check (state in ('claiming', 'refused', 'scheduled', 'applying', 'active', 'reverting', 'ended',
    'compensating', 'undone', 'cancelled', 'missed', 'needs-attention')),
  reason text,
  interrupted text check ((interrupted is not null) = (state = 'needs-attention')),
  due_at timestamp(3) with time zone,
  held_until timestamp(6) with time zone default now() not null,
  version integer default 1 not null,
  key text,
  fingerprint text not null,
  created_at timestamp(3) with time zone default now() not null,
  updated_at timestamp(3) with time zone default now() not null,
  constraint promotions_key unique (key),
  -- Nothing that still has to happen can be without its time.
  constraint promotions_are_due check (due_at is not null
    or state in ('refused', 'ended', 'undone', 'cancelled', 'missed', 'needs-attention'))
);
--> statement-breakpoint
create index promotions_due on promotions using btree (due_at) where due_at is not null;
--> statement-breakpoint
create index promotions_newest on promotions using btree (created_at, id);
--> statement-breakpoint
create table promotion_items (
  promotion uuid not null references promotions (id),
  product text collate "C" not null,
  state text not null check (state in ('waiting', 'applying', 'applied', 'giving-back', 'given-back', 'refused', 'kept', 'gone',
    'untouched', 'failed')),
  before_cents bigint,
  before_version integer,
  promoted_cents bigint,
  applied_version integer,
  step text,
  step_version integer,
  answered_at timestamp(6) with time zone,
  tries integer default 0 not null,
  reason text,
  kept_at text,
  kept_by text,
  kept_cents bigint,
  constraint promotion_items_promotion_product_pk primary key (promotion, product),
  -- What was changed can always be given back: the price was stored before the command went out.
  constraint promotion_items_know_their_price check (state not in ('applying', 'applied', 'giving-back')
    or (before_cents is not null and promoted_cents is not null))
) with (fillfactor = 70);
--> statement-breakpoint
create index promotion_items_by_state on promotion_items using btree (promotion, state, product);
--> statement-breakpoint
create table claims (
  promotion uuid not null references promotions (id),
  product text collate "C" not null,
  during tstzrange not null check (not isempty(during)),
  constraint claims_promotion_product_pk primary key (promotion, product),
  -- Two promotions that give back what they found would leave a discount for ever.
  constraint claims_one_promotion exclude using gist (product with =, during with &&)
);
--> statement-breakpoint
create index claims_by_product on claims using btree (product);
--> statement-breakpoint
create table promotion_log (
  seq bigint primary key generated always as identity,
  promotion uuid not null references promotions (id),
  at timestamp(6) with time zone default clock_timestamp() not null,
  from_state text,
  to_state text not null,
  cause text not null
);
--> statement-breakpoint
create index promotion_log_by_promotion on promotion_log using btree (promotion, seq);
--> statement-breakpoint
create table confirmed_steps (
  step text collate "C" primary key not null,
  version integer not null,
  cents bigint
);
--> statement-breakpoint
create table product_prices (
  generation integer not null,
  id text collate "C" not null,
  version integer default 0 not null,
  event_id text,
  parked boolean default false not null,
  cents bigint,
  price_version integer default 0 not null,
  price_at text,
  price_by text,
  discontinued boolean default false not null,
  caused_by text,
  constraint product_prices_generation_id_pk primary key (generation, id)
) partition by list (generation);
--> statement-breakpoint
create table product_prices_g1 partition of product_prices for values in (1) with (fillfactor = 85);
--> statement-breakpoint
-- What the machine reads: the prices of the serving generation.
create function show_generation(shown integer) returns void language plpgsql as $function$
begin
  execute format('create or replace view product_prices_read as
    select id, version, parked, cents, price_version, price_at, price_by, discontinued
    from product_prices
    where generation = %s', shown);
end
$function$;
--> statement-breakpoint
select show_generation(1);
