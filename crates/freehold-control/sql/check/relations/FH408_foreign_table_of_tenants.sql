-- Rows of tenants can be read from a foreign table
-- severity: high
-- covers: pitfall 7, 29; splinter 0017; pgrls SEC053
-- source: PostgreSQL, CREATE FOREIGN TABLE; row-level security is for tables only
-- why: A foreign table cannot have policies, and the other server knows one login only, not who asks. Whoever may read it, or a view
--      over it, reads the rows of every tenant.
with remote as (
    select t.oid, t.name, string_agg(distinct g.grantee_name, ', ' order by g.grantee_name) as grantees
    from relations t left join grants g on g.relation = t.oid and g.privilege = 'SELECT'
    where t.kind = 'f'
      and exists (select from pg_attribute a where a.attrelid = t.oid and a.attnum > 0
                and a.attname = any ((select tenant_columns from options)::text[]))
    group by t.oid, t.name
)
select 'foreign table ' || f.name as object, 'it has rows of tenants, no policies, and is open to ' || f.grantees as why,
       format('revoke select on %s from %s', f.name, f.grantees) as fix
from remote f
where f.grantees is not null
union all
select distinct 'view ' || v.name, format('it shows %s, which has rows of tenants, without asking who asks', f.name),
       format('-- add to %s a condition on the tenant, and security_barrier', v.name)
from views v
join view_uses u on u.view = v.oid
join remote f on f.oid = u.relation and f.grantees is null
where not v.filters and not v.is_invoker
  and exists (select from grants g where g.relation = v.oid and g.privilege = 'SELECT')

-- fault:
create foreign data wrapper check_elsewhere;
create server check_server foreign data wrapper check_elsewhere;
create foreign table app.invoices (tenant_id uuid, total numeric) server check_server;
grant select on app.invoices to check_app;
-- names: foreign table app.invoices

-- fault:
create foreign data wrapper check_elsewhere;
create server check_server foreign data wrapper check_elsewhere;
create foreign table app.invoices (tenant_id uuid, total numeric) server check_server;
create view app.shown_invoices as select i.total from app.invoices i;
grant select on app.shown_invoices to check_app;
-- names: view app.shown_invoices

-- clean:
create foreign data wrapper check_elsewhere;
create server check_server foreign data wrapper check_elsewhere;
create foreign table app.invoices (tenant_id uuid, total numeric) server check_server;
create view app.my_invoices with (security_barrier = true) as
    select i.total from app.invoices i where i.tenant_id = (select c.tenant from app.context c);
grant select on app.my_invoices to check_app;
