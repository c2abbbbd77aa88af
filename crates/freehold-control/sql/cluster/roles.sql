-- The roles of Freehold, once per PostgreSQL server. Roles are shared by all databases of a server, so this script runs
-- again wherever a database is set up and changes nothing the second time.
--
-- freehold_owner    owns tenant and global tables; nobody logs in as it
-- freehold_seal     owns freehold.context and the keys behind it; nobody logs in as it
-- freehold_app      the application's login: it owns nothing and is a member of nothing
-- freehold_tenant   the one group of dedicated logins
-- freehold_control  the control plane's login; it alone steps around row-level security
-- freehold_reader   the application's login to the catalog: one view and one function
do $$
declare
    wanted record;
begin
    perform pg_advisory_xact_lock(hashtext('freehold roles'));
    for wanted in
        select * from (values
            ('freehold_owner', 'nologin'),
            ('freehold_seal', 'nologin'),
            ('freehold_tenant', 'nologin'),
            ('freehold_app', 'login'),
            ('freehold_reader', 'login'),
            ('freehold_control', 'login createdb createrole')
        ) as r(name, attributes)
    loop
        if not exists (select from pg_roles where rolname = wanted.name) then
            execute format('create role %I %s noinherit nosuperuser nobypassrls', wanted.name, wanted.attributes);
        end if;
    end loop;
    alter role freehold_control inherit;
    -- Where a service refuses BYPASSRLS, `freehold doctor` says what that leaves undone.
    if not (select rolbypassrls from pg_roles where rolname = 'freehold_control') then
        begin
            alter role freehold_control bypassrls;
        exception when insufficient_privilege then
            raise warning 'freehold: role freehold_control has no BYPASSRLS on this server; backfills and exports run one tenant at a time';
        end;
    end if;
    -- A tenant is erased without setting off the triggers of its tables, which may write.
    if not has_parameter_privilege('freehold_control', 'session_replication_role', 'set') then
        begin
            grant set on parameter session_replication_role to freehold_control;
        exception when insufficient_privilege then
            raise warning 'freehold: triggers run on this server while tenants of the shared model are erased';
        end;
    end if;
    grant freehold_owner, freehold_seal to freehold_control;
    grant freehold_tenant to freehold_control with admin option;
    -- To take back what a login set for itself. From PostgreSQL 16 on CREATEROLE alone is not enough for that.
    if current_setting('server_version_num')::integer >= 160000 then
        execute 'grant freehold_app to freehold_control with admin true, inherit false, set false';
    end if;
    -- An administrator who is no superuser sets databases up as a member of the roles that own them.
    if not (select rolsuper from pg_roles where rolname = current_user) then
        execute format('grant freehold_owner, freehold_seal, freehold_control to %I', current_user);
    end if;
end
$$;
