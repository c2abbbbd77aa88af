-- freehold: backfill
-- What was there before sums were kept. An amount beyond ten thousand million has a row of its own: of others, 64 bits hold the sum
-- of nine million.
insert into unit_totals (tenant_id, id, month, unit_id, category_id, count, total_minor)
select tenant_id, gen_random_uuid(), date_trunc('month', date)::date as month, unit_id, category_id, count(*), sum(amount_minor)
from expenses where status <> 'rejected'
group by tenant_id, month, unit_id, category_id, case when abs(amount_minor) > 1000000000000 then id end;

insert into supplier_totals (tenant_id, id, month, unit_id, category_id, supplier_id, count, total_minor)
select tenant_id, gen_random_uuid(), date_trunc('month', date)::date as month, unit_id, category_id, supplier_id, count(*), sum(amount_minor)
from expenses where status <> 'rejected'
group by tenant_id, month, unit_id, category_id, supplier_id, case when abs(amount_minor) > 1000000000000 then id end;
