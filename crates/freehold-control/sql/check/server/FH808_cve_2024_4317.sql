-- Extended statistics of all tables are open to everybody
-- severity: medium
-- covers: pitfall 18: CVE-2024-4317
-- source: CVE-2024-4317; release notes of 16.3, 15.7 and 14.12
-- why: pg_stats_ext and pg_stats_ext_exprs show the commonest values of expressions and columns to logins that may not read the table. The
--      update alone does not mend databases that were made before it: the views have to be made anew.
with old as (
    select o.version, f.major, f.minor, o.version % 10000 < f.minor as is_old
    from options o join (values (16, 3), (15, 7), (14, 12)) as f(major, minor) on f.major = o.version / 10000
)
select 'server' as object, format('version %s.%s is below %s.%s, which mends CVE-2024-4317', major, version % 10000, major, minor) as why,
       format('-- update the server to %s.%s or later, then run fix-CVE-2024-4317.sql of its share directory in every database',
              major, minor) as fix
from old where is_old and exists (select from pg_statistic_ext)
union all
select 'view ' || v.name, 'it does not ask who owns the table, as it was made before CVE-2024-4317 was mended',
       '-- run fix-CVE-2024-4317.sql of the server''s share directory in every database'
from (values ('pg_stats_ext'), ('pg_stats_ext_exprs')) as v(name)
where exists (select from pg_statistic_ext) and not exists (select from old where is_old)
  and pg_get_viewdef(to_regclass('pg_catalog.' || v.name)) !~ '\mpg_has_role\M\('

-- fault:
create statistics app.notes_together (dependencies) on project_id, text from app.notes;
set local freehold_check.server_version = '150006';
-- names: server

-- fault:
create statistics app.notes_together (dependencies) on project_id, text from app.notes;
set local allow_system_table_mods = on;
drop view pg_catalog.pg_stats_ext_exprs;
create view pg_catalog.pg_stats_ext_exprs as select s.stxname as statistics_name from pg_statistic_ext s;
-- names: view pg_stats_ext_exprs

-- clean:
set local role check_owner;
create statistics app.notes_together (dependencies) on project_id, text from app.notes;
