-- What profile "managed" leaves open in this database, in words: what a tenant's SQL can do with each privilege that
-- hardened.sql takes away. Functions by name, because their arguments differ from version to version.
select f.consequence
from (values
    ('pg_stat_get_activity', 'see what other sessions run'),
    ('pg_terminate_backend', 'end other sessions of its login'),
    ('pg_notify', 'send notifications'),
    ('pg_advisory_lock', 'take advisory locks'),
    ('lo_create', 'write large objects, which have no row-level security'),
    ('pg_logical_emit_message', 'write to the log of changes'),
    ('query_to_xml', 'run SQL from text')
) as f(name, consequence)
where exists (
    select from pg_proc p
    where p.pronamespace = 'pg_catalog'::regnamespace and p.proname = f.name and has_function_privilege('freehold_app', p.oid, 'execute'))
union all
select 'run DO blocks' where has_language_privilege('freehold_app', 'plpgsql', 'usage')
union all
select 'create temporary tables' where has_database_privilege('freehold_app', current_database(), 'temporary')
union all
select 'create schemas' where has_database_privilege('freehold_app', current_database(), 'create')
