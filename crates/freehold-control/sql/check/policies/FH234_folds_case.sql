-- A policy takes tenants for one another that differ in case
-- severity: medium
-- covers: -
-- source: PostgreSQL, chapter "String Functions": lower; "citext"
-- why: When names of tenants are compared without regard to case, and are kept with regard to it, "Acme" and "acme" are two tenants that
--      read each other's rows.
select p.object, format('%s is compared without regard to case, and nothing keeps it in one case', t.tenant_column) as why,
       format('-- alter table %s add check (%I = lower(%I))', t.name, t.tenant_column, t.tenant_column) as fix
from policies p
join tenant_tables t on t.oid = p.relation and t.tenant_type in ('text'::regtype, 'varchar'::regtype, 'bpchar'::regtype)
where p.reads_context and (not p.is_permissive or p.relation not in (select oid from sealed_tables))
  and p.text ~* ('\m(lower|upper)\(\(?"?' || t.tenant_column || '"?\)?(::text)?\)|\m' || t.tenant_column || '"?\)?(::(text|citext))? (~~\*|~\*)|\m' || t.tenant_column || '"?\)?::citext = ')
  and not exists (select from pg_constraint k where k.conrelid = t.oid and k.contype = 'c'
                    and pg_get_constraintdef(k.oid) ~ ('\m(lower|upper)\(\(?"?' || t.tenant_column || '\M'))

-- fault:
create table app.open (tenant_id text not null, id uuid not null, primary key (tenant_id, id));
alter table app.open enable row level security;
create policy mine on app.open using (lower(tenant_id) = lower(current_setting('app.tenant_id', true)));
-- names: policy mine on app.open

-- clean:
create policy mine on app.notes as restrictive for select using (lower(text) <> lower((select c.tenant::text from app.context c)));
