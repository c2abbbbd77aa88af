-- A policy is for a role that no policy binds
-- severity: low
-- covers: pgrls SEC023
-- source: PostgreSQL, CREATE ROLE: BYPASSRLS
-- why: Superusers and roles with BYPASSRLS skip every policy, so this one neither permits nor restricts anything for them, whatever it
--      seems to promise.
select p.object, format('%s is exempt from row-level security', string_agg(r.oid::regrole::text, ', ')) as why,
       case when count(*) = cardinality(p.roles) then format('drop policy %I on %s', p.name, p.relation::regclass)
            else format('alter policy %I on %s to %s', p.name, p.relation::regclass,
                        (select string_agg(k.oid::regrole::text, ', ') from unnest(p.roles) as k(oid) where k.oid <> all (array_agg(r.oid)))) end as fix
from policies p
join pg_roles r on r.oid = any (p.roles) and (r.rolsuper or r.rolbypassrls)
group by p.object, p.name, p.relation, p.roles

-- fault:
create role check_etl bypassrls;
create policy etl on app.notes for select to check_etl using (tenant_id is not null);
-- names: policy etl on app.notes

-- fault:
create role check_etl bypassrls;
create policy etl on app.notes for select to check_etl, check_app using (tenant_id is not null);
-- names: policy etl on app.notes

-- clean:
create role check_etl;
create policy etl on app.notes for select to check_etl using (tenant_id is not null);
