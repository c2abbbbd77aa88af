-- The restrictive tenant policy is for some roles only
-- severity: high
-- covers: pitfalls 39, 40
-- source: PostgreSQL, DROP OWNED: policies for the role alone go with it
-- why: Other roles, and the owner, are not bound by it. A role that is the only one named may remove the policy with DROP OWNED BY
--      CURRENT_USER, in one statement and without owning the table. FOR PUBLIC it holds for all and cannot be dropped so.
select p.object, format('it binds %s only, and policy %I lets others through',
                        (select string_agg(r.oid::regrole::text, ', ') from unnest(p.roles) as r(oid)), o.name) as why,
       format('alter policy %I on %s to public', p.name, p.relation::regclass) as fix
from policies p
join tenant_tables t on t.oid = p.relation
cross join lateral (
    -- Were it for the same roles, nothing would be permitted without the other.
    select o.name from policies o
    where o.relation = p.relation and o.is_permissive and not o.roles <@ p.roles and coalesce(o.using_text, o.check_text) <> 'false'
      and (o.command = p.command or '*' in (o.command, p.command))
      and not (o.reads_context and o.text ~ ('\m' || t.tenant_column || '\M'))
    order by o.name limit 1
) as o
where not p.is_permissive and p.roles <> '{0}' and p.reads_context and p.text ~ ('\m' || t.tenant_column || '\M')
  and t.oid not in (select oid from sealed_tables)

-- fault:
alter policy tenant_reads on app.notes to check_app;
-- names: policy tenant_reads on app.notes

-- clean:
create policy fewer on app.notes as restrictive for select to check_app using (tenant_id = (select c.tenant from app.context c) and text <> '');
