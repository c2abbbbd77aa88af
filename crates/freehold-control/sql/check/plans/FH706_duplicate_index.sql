-- Two indexes are the same
-- severity: low
-- covers: splinter 0009
-- source: PostgreSQL, catalogue pg_index
-- why: Every write pays for both, and no query is faster for the second.
with indexes as (
    select r.name, r.oid as relation, i.*, x.relam, exists (select from pg_constraint k where k.conindid = i.indexrelid) as is_needed,
           pg_get_expr(i.indexprs, i.indrelid) as expressions, pg_get_expr(i.indpred, i.indrelid) as predicate
    from relations r
    join pg_index i on i.indrelid = r.oid and i.indisvalid and not i.indisexclusion
    join pg_class x on x.oid = i.indexrelid
    where not exists (select from pg_inherits h where h.inhrelid = i.indexrelid)
)
select format('index %s on %s', i.indexrelid::regclass, i.name) as object,
       format('it is the same as %s', min(o.indexrelid::regclass::text)) as why,
       format('drop index %s', i.indexrelid::regclass) as fix
from indexes i
join indexes o on o.relation = i.relation and o.indexrelid <> i.indexrelid
    and (o.relam, o.indnkeyatts, o.indkey::text, o.indclass::text, o.indcollation::text, o.indoption::text, o.expressions, o.predicate)
        is not distinct from
        (i.relam, i.indnkeyatts, i.indkey::text, i.indclass::text, i.indcollation::text, i.indoption::text, i.expressions, i.predicate)
-- What a constraint or a foreign key stands on stays, and so does what makes rows unique; of equals, the first.
where not i.is_needed and not i.indisreplident and not i.indisclustered
  and (o.indisunique or not i.indisunique)
  and (o.indnullsnotdistinct or not i.indnullsnotdistinct)
  and (o.is_needed or o.indisunique > i.indisunique or o.indnullsnotdistinct > i.indnullsnotdistinct or o.indexrelid < i.indexrelid)
group by i.indexrelid, i.name

-- fault:
create index notes_again on app.notes (tenant_id, project_id);
-- names: index app.notes_again on app.notes

-- fault:
create index events_again on app.events (tenant_id, at, id);
-- names: index app.events_again on app.events

-- clean:
create index notes_down on app.notes (tenant_id, project_id desc);
create index notes_some on app.notes (tenant_id, project_id) where project_id is not null;
