-- The comparison with the tenant comes second and is not leakproof
-- severity: low
-- covers: pitfall 17; pgrls PERF003
-- source: PostgreSQL, chapter "Rules and Privileges": leakproof; restrictive policies are barriers, one behind the other
-- why: Restrictive policies are applied in the order of their names, and permissive ones last. A comparison behind another one
--      must wait for it unless its operator is leakproof, as for uuid, integers and text, so it cannot use the index on the tenant,
--      and every query reads the rows of all tenants.
with compared as (
    select p.*, t.name as table_name, t.tenant_column, t.tenant_type,
           substring(y.polqual::text from
                     '\{OPEXPR :opno \d+ :opfuncid (\d+) [^{}()]*:args \(\{VAR :varno 1 :varattno ' || t.tenant_attnum || ' ')::oid as function
    from tenant_tables t join policies p on p.relation = t.oid join pg_policy y on y.oid = p.oid
    where t.enabled and p.reads_context
)
select c.object, format('%s is not leakproof, and %s comes first', f.oid::regprocedure, min(b.object)) as why,
       case when min(b.name) < c.name and not c.is_permissive
            then format('-- alter policy %I on %s rename to ..., so that its name is the first; or make %I a uuid', c.name, c.table_name,
                        c.tenant_column)
            else format('-- make the comparison a restrictive policy whose name is the first; or make %I a uuid', c.tenant_column) end as fix
from compared c
join pg_proc f on f.oid = c.function and not f.proleakproof
join policies b on b.relation = c.relation and not b.is_permissive and b.oid <> c.oid and b.using_text is not null
    and (c.is_permissive or b.name < c.name)
    and ('*' in (b.command::text, c.command::text) or b.command = c.command)
    and (b.roles && c.roles or 0::oid = any (b.roles || c.roles))
-- One that comes first uses the index, and so does one that compares with the context before.
where not exists (
    select from compared o
    where o.relation = c.relation and not o.is_permissive and o.roles = '{0}' and o.name < c.name and o.function is not null
      and (o.command = '*' or o.command = c.command)
      and not exists (
          select from policies q
          where q.relation = o.relation and not q.is_permissive and q.name < o.name and q.using_text is not null
            and ('*' in (q.command::text, o.command::text) or q.command = o.command)))
group by c.oid, c.object, c.name, c.is_permissive, c.table_name, c.tenant_column, f.oid

-- fault:
create table app.pages (tenant_id numeric not null, id uuid not null, region text not null, primary key (tenant_id, id));
alter table app.pages enable row level security, force row level security;
create policy everybody on app.pages using (true);
create policy mine on app.pages as restrictive using (tenant_id = (select current_setting('app.tenant_id')::numeric));
create policy here on app.pages as restrictive using (region like 'a%');
-- names: policy mine on app.pages

-- clean:
create type app.tenant as enum ('a', 'b');
create table app.pages (org_id app.tenant not null, id uuid not null, region text not null, primary key (org_id, id));
alter table app.pages owner to check_owner;
alter table app.pages enable row level security, force row level security;
create policy everybody on app.pages using (true);
create policy mine on app.pages as restrictive using (org_id = (select c.tenant::text::app.tenant from app.context c));
create policy region on app.pages as restrictive using (region like 'a%');

-- clean:
create policy about on app.notes as restrictive using (text <> '');
