-- Reductions of parked products leave the lists, as the projection sees to from now on. Their products are locked first, in the
-- order of its batches: otherwise one could wait for a row here, and then not find it where it was.
with parked as materialized (
  select generation, id from priced_products where parked order by generation, id for update
)
update reductions set listed = false
from parked
where reductions.generation = parked.generation and product = parked.id and listed;
