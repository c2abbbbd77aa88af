-- A queue is open to the application without policies
-- severity: high
-- covers: splinter 0019
-- source: PGMQ; Supabase, Queues
-- why: The tables of a queue hold messages of every tenant. Without row-level security, whoever may read one reads, takes or forges the
--      messages of all.
select 'queue ' || q.oid::regclass as object,
       'row-level security is off, and it is open to '
       || string_agg(distinct coalesce(nullif(x.grantee, 0)::regrole::text, 'public'), ', ') as why,
       format('alter table %s enable row level security', q.oid::regclass) as fix
from pg_class q
cross join lateral aclexplode(q.relacl) x
-- The extension may own these tables, so they are no relations here.
where q.relnamespace = to_regnamespace('pgmq') and q.relkind in ('r', 'p') and q.relname ~ '^[qa]_' and not q.relrowsecurity
  and x.privilege_type in ('SELECT', 'INSERT', 'UPDATE', 'DELETE') and x.grantee <> q.relowner
  and (x.grantee = 0 or x.grantee in (select role from reachable))
  and exists (select from app_roles a where has_schema_privilege(a.oid, q.relnamespace, 'usage'))
group by q.oid

-- fault:
create schema pgmq;
create table pgmq.q_mails (msg_id bigint generated always as identity primary key, message jsonb);
grant usage on schema pgmq to check_app;
grant select on pgmq.q_mails to check_app;
-- names: queue pgmq.q_mails

-- clean:
create schema pgmq authorization check_owner;
set local role check_owner;
create table pgmq.q_mails (msg_id bigint generated always as identity primary key, message jsonb);
reset role;
grant usage on schema pgmq to check_app;
