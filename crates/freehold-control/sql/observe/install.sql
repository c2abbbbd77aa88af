-- What watches a database in which row-level security is to be switched on, before it is. Runs again without harm.
create schema if not exists freehold_observe;

-- The setting in which the application says which tenant it works for; null: the first row of a transaction says it.
create table if not exists freehold_observe.options (
    only_row boolean primary key default true check (only_row),
    setting text
);

-- The tables that are watched, and whether row-level security is forced on the owner too.
create table if not exists freehold_observe.tables (
    relation oid primary key,
    owners boolean not null
);

-- What enforcement would have hidden or refused. A row for each session and statement, unless the transaction was rolled back.
create unlogged table if not exists freehold_observe.seen (
    at timestamptz not null default clock_timestamp(),
    relation text not null,
    command text not null,
    reason text not null,
    login text not null,
    application text not null,
    statement text not null
);

-- Called for a row that is not of the tenant of its transaction, as far as a setting tells. Writes down what enforcement would
-- do, once for each statement of a session, and lets the row through. In a transaction that only reads nothing can be
-- written, so the log of the server has it.
create or replace function freehold_observe.note(relation text, command text, tenant text) returns boolean
language plpgsql volatile security definer cost 10000
set search_path = pg_catalog, pg_temp
as $$
declare
    declared text := (select o.setting from freehold_observe.options o);
    context text := nullif(current_setting(coalesce(declared, 'freehold_observe.tenant'), true), '');
    reason text := case when tenant is null then 'the row has no tenant'
                        when context is null then 'no tenant is set'
                        when context <> tenant then 'the row is another tenant''s' end;
    told text := coalesce(current_setting('freehold_observe.told', true), '');
    -- Values are not written down: text in dollars and in quotes, and numbers.
    statement text := left(regexp_replace(regexp_replace(current_query(), '\$(\w*)\$.*\$\1\$', '?', 'g'),
                                          $p$'([^']|'')*'|\m\d+(\.\d+)?\M$p$, '?', 'g'), 2000);
    key text := left(md5(relation || command || reason || statement), 12);
begin
    if declared is null and context is null and tenant is not null then
        perform set_config('freehold_observe.tenant', tenant, true);
        return true;
    end if;
    if reason is null or position(key in told) > 0 then
        return true;
    end if;
    perform set_config('freehold_observe.told', right(told || key, 12000), false);
    if current_setting('transaction_read_only') = 'on' then
        raise log 'freehold observe: % of %: %', command, relation, reason using detail = statement;
    else
        insert into freehold_observe.seen (relation, command, reason, login, application, statement)
        values (relation, command, reason, session_user, current_setting('application_name'), statement);
    end if;
    return true;
end
$$;
