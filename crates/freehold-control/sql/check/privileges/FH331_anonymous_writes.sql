-- Visitors who have not signed in may write a tenant table
-- severity: high
-- covers: pgrls SEC039
-- source: PostgREST, chapter "Database Authorization"; Supabase, chapter "Row Level Security"
-- why: The role of requests without a token has both the grant and a policy that does not ask who is asking, so anybody on the
--      network writes rows of tenants.
select p.object,
       format('%s may %s through it, and it does not ask who is asking', a.oid::regrole, string_agg(v.privilege, ', ' order by v.privilege)) as why,
       format('revoke %s on %s from %s', lower(string_agg(v.privilege, ', ' order by v.privilege)), t.name, a.oid::regrole) as fix
from policies p
join tenant_tables t on t.oid = p.relation and t.enabled and t.oid not in (select oid from sealed_tables)
join pg_roles a on a.rolname in ('anon', 'anonymous', 'web_anon') and (a.oid = any (p.roles) or 0 = any (p.roles))
join (values ('a', 'INSERT'), ('w', 'UPDATE'), ('d', 'DELETE')) as v(command, privilege) on p.command::text in (v.command, '*')
where p.is_permissive and not p.reads_context and p.text !~* '\mfalse\M'
  and has_table_privilege(a.oid, t.oid, v.privilege)
  -- A restrictive policy may still ask.
  and not exists (select from policies q where q.relation = t.oid and not q.is_permissive and q.reads_context
                    and q.command::text in (v.command, '*') and (0 = any (q.roles) or a.oid = any (q.roles)))
group by p.object, a.oid, t.name

-- fault:
create role anon nologin;
grant usage on schema app to anon;
create table app.messages (tenant_id uuid not null references app.tenants, id uuid not null, text text, primary key (tenant_id, id));
alter table app.messages enable row level security;
create policy write_in on app.messages for insert to anon with check (length(text) < 100);
grant insert on app.messages to anon;
-- names: policy write_in on app.messages

-- clean:
create role anon nologin;
create role authenticated nologin;
grant usage on schema app to anon, authenticated;
grant select on app.notes to authenticated;
