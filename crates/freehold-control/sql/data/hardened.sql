-- Privilege profile "hardened": what a superuser can close once per database. `freehold doctor` lists what stays open where
-- this could not run (profile "managed").
--
-- Revoking from PUBLIC on catalogue functions is kept by dumps and by upgrades (PostgreSQL: System Catalog pg_init_privs).
do $$
declare
    closed text;
begin
    -- Without this language there is no DO block, so no control structures in ad-hoc SQL; functions that migrations created go on working.
    revoke usage on language plpgsql from public;
    grant usage on language plpgsql to freehold_owner, freehold_seal, freehold_control;

    -- What other sessions do, signals to them, state that outlives a transaction, shared keyspaces, large objects (which have
    -- no row-level security), and files.
    for closed in
        select p.oid::regprocedure::text
        from pg_proc p
        where p.pronamespace = 'pg_catalog'::regnamespace
          and (p.proname in ('pg_stat_get_activity', 'pg_stat_get_backend_activity', 'pg_stat_get_backend_client_addr',
                             'pg_stat_get_backend_client_port', 'pg_stat_get_wal_senders', 'pg_stat_get_progress_info',
                             'pg_cancel_backend', 'pg_terminate_backend', 'pg_notify', 'setseed', 'pg_logical_emit_message',
                             'pg_export_snapshot', 'pg_lock_status', 'pg_blocking_pids', 'pg_safe_snapshot_blocking_pids',
                             'pg_isolation_test_session_is_blocked', 'pg_prepared_xact', 'pg_get_replication_slots',
                             'pg_notification_queue_usage', 'pg_log_backend_memory_contexts', 'lo_import', 'lo_export')
               or p.proname ~ '^(pg_(try_)?advisory_(xact_)?(un)?lock|lo_|lo(read|write|creat)$|be_lo)'
               or p.proname ~ '^(query_to_xml|cursor_to_xml|table_to_xml|schema_to_xml|database_to_xml)')
    loop
        execute format('revoke execute on function %s from public', closed);
        execute format('grant execute on function %s to freehold_control', closed);
    end loop;
    -- What the library itself needs to clean a connection.
    grant execute on function pg_advisory_unlock_all(), setseed(double precision) to freehold_app, freehold_tenant;
end
$$;
