-- Realtime sends changes of a table without policies
-- severity: high
-- covers: pgrls SEC051
-- source: Supabase, Realtime: Postgres Changes
-- why: Realtime holds a change to the policies of its table before it sends it on. With row-level security off there is nothing to
--      hold it to, and every subscriber gets every change.
select r.name as object, format('publication %I sends its changes to every subscriber, and row-level security is off', x.pubname) as why,
       format('alter table %s enable row level security', r.name) as fix
from pg_publication_tables x
join relations r on r.oid = to_regclass(format('%I.%I', x.schemaname, x.tablename)) and not r.enabled
where x.pubname ~ '^supabase_realtime'
  -- What tells whose a row is; tables of shared data are fine.
  and exists (select from pg_attribute a where a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
                and (a.attname = any ((select tenant_columns from options)::text[])
                     or a.attname in ('user_id', 'owner_id', 'profile_id', 'created_by')))

-- fault:
create table app.messages (id uuid primary key, user_id uuid not null, text text not null);
create publication supabase_realtime for table app.messages;
-- names: app.messages

-- clean:
create table app.countries (code text primary key, name text not null);
alter table app.countries owner to check_owner;
create publication supabase_realtime for table app.countries, app.notes;
