-- A policy is there twice
-- severity: low
-- covers: pgrls HYG003
-- source: PostgreSQL, CREATE POLICY
-- why: Two policies that differ in their name alone are evaluated for each row, both of them, and when one is tightened the other one
--      keeps what was meant to go.
select p.object, format('policy %I is the same', o.name) as why, format('drop policy %I on %s', p.name, p.relation::regclass) as fix
from policies p
cross join lateral (
    select o.name from policies o
    where o.relation = p.relation and o.oid < p.oid and o.command = p.command and o.is_permissive = p.is_permissive
      and o.roles @> p.roles and o.roles <@ p.roles
      and o.using_text is not distinct from p.using_text and coalesce(o.check_text, o.using_text) is not distinct from coalesce(p.check_text, p.using_text)
    order by o.oid limit 1
) as o

-- fault:
create policy everyone on app.notes using (true);
-- names: policy everyone on app.notes

-- clean:
create policy everyone on app.notes for select using (true);
