-- A permissive policy that is always false forbids nothing
-- severity: medium
-- covers: pgrls SEC010
-- source: PostgreSQL, CREATE POLICY: permissive policies are combined with OR
-- why: It reads like "nobody may", but permissive policies are combined with OR, so another one of the same command permits all the
--      same. Only a restrictive policy forbids.
select p.object, format('policy %I permits what this one seems to forbid', o.name) as why,
       format('drop policy %I on %s; create policy %I on %s as restrictive for %s to %s', p.name, p.relation::regclass, p.name, p.relation::regclass,
              case p.command when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end,
              (select string_agg(case r.oid when 0 then 'public' else r.oid::regrole::text end, ', ') from unnest(p.roles) as r(oid)))
           || coalesce(' using (' || p.using_text || ')', '') || coalesce(' with check (' || p.check_text || ')', '') as fix
from policies p
cross join lateral (
    select o.name from policies o
    where o.relation = p.relation and o.is_permissive and (o.command = p.command or o.command = '*')
      and coalesce(o.using_text, o.check_text) <> 'false' and (o.roles = '{0}' or p.roles = '{0}' or o.roles && p.roles)
    order by o.name limit 1
) as o
where p.is_permissive and p.command <> '*' and coalesce(p.using_text, p.check_text) = 'false'

-- fault:
create policy no_deletes on app.notes for delete using (false);
-- names: policy no_deletes on app.notes

-- clean:
create policy no_deletes on app.notes as restrictive for delete using (false);
