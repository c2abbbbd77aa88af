-- Several permissive policies are evaluated for the same command
-- severity: low
-- covers: splinter 0006
-- source: PostgreSQL, CREATE POLICY: permissive policies are combined with OR
-- why: Each of them is evaluated for each row until one is true, and their OR seldom uses an index. One policy with the OR written out is
--      faster and says at one place what is permitted.
select t.name as object,
       format('for %s of %s: %s', string_agg(distinct c.name, ', '), string_agg(distinct case r.oid when 0 then 'everybody' else r.oid::regrole::text end, ', '),
              string_agg(distinct quote_ident(p.name), ', ')) as why,
       format('-- make one of the policies on %s with their expressions joined by or', t.name) as fix
from relations t
join policies p on p.relation = t.oid and p.is_permissive and coalesce(p.using_text, p.check_text) not in ('true', 'false')
join (values ('r', 'select'), ('a', 'insert'), ('w', 'update'), ('d', 'delete')) as c(command, name) on p.command::text in (c.command, '*')
cross join lateral unnest(p.roles) as r(oid)
-- Where no restrictive policy is beneath them, that is the worse finding.
where (t.oid not in (select oid from tenant_tables) or t.oid in (select oid from sealed_tables))
  and exists (
      select from policies o
      where o.relation = t.oid and o.oid <> p.oid and o.is_permissive and coalesce(o.using_text, o.check_text) not in ('true', 'false')
        and o.command::text in (c.command, '*') and o.roles && array[r.oid, 0::oid])
group by t.oid, t.name

-- fault:
create policy short on app.notes for select using (length(text) < 100);
create policy asked on app.notes for select using (text like '%?');
-- names: app.notes

-- clean:
create policy short on app.notes for select using (length(text) < 100);
create policy asked on app.notes for update using (text like '%?');
