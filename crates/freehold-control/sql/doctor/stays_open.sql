-- What profile "managed" leaves open in this database, in words: what a tenant's SQL can do with each privilege that
-- hardened.sql takes away.
select open.consequence
from (values
    (has_language_privilege('freehold_app', 'plpgsql', 'usage'), 'run DO blocks'),
    (has_function_privilege('freehold_app', 'pg_stat_get_activity(integer)', 'execute'), 'see what other sessions run'),
    (has_function_privilege('freehold_app', 'pg_terminate_backend(integer, bigint)', 'execute'), 'end other sessions of its login'),
    (has_function_privilege('freehold_app', 'pg_notify(text, text)', 'execute'), 'send notifications'),
    (has_function_privilege('freehold_app', 'pg_advisory_lock(bigint)', 'execute'), 'take advisory locks'),
    (has_function_privilege('freehold_app', 'lo_create(oid)', 'execute'), 'write large objects, which have no row-level security'),
    (has_function_privilege('freehold_app', 'pg_logical_emit_message(boolean, text, text)', 'execute'), 'write to the log of changes'),
    (has_function_privilege('freehold_app', 'query_to_xml(text, boolean, boolean, text)', 'execute'), 'run SQL from text'),
    (has_database_privilege('freehold_app', current_database(), 'temporary'), 'create temporary tables'),
    (has_database_privilege('freehold_app', current_database(), 'create'), 'create schemas')
) as open(is_open, consequence)
where open.is_open
