-- A policy opens a whole bucket
-- severity: medium
-- covers: splinter 0025
-- source: Supabase, "Storage Access Control"
-- why: When the bucket is all it asks for, whoever the policy is for lists and reads every file in it, whichever tenant or user put it
--      there. A public bucket does not need it: its files have addresses of their own.
select p.object, 'it asks for the bucket, and not whose the object is' as why,
       format('-- compare the owner, or the first folder of the name, in policy %I on %s', p.name, p.relation::regclass) as fix
from policies p
where p.relation = to_regclass('storage.objects') and p.is_permissive and (p.roles = '{0}' or p.roles && array(select role from reachable))
  and coalesce(p.using_text, p.check_text) ~ '^\(bucket_id = (''[^'']*''(::text)?|ANY \(ARRAY\[[^\]]*\]\))\)$'
  and not exists (select from policies f where f.relation = p.relation and not f.is_permissive and f.roles = '{0}'
                    and f.command in (p.command, '*') and f.reads_context)

-- fault:
create schema storage authorization check_owner;
create table storage.objects (id uuid primary key, bucket_id text, name text, owner uuid);
alter table storage.objects owner to check_owner;
alter table storage.objects enable row level security;
alter table storage.objects force row level security;
create policy files on storage.objects for select using (bucket_id = 'invoices');
-- names: policy files on storage.objects

-- clean:
create schema storage authorization check_owner;
create table storage.objects (id uuid primary key, bucket_id text, name text, owner uuid);
alter table storage.objects owner to check_owner;
alter table storage.objects enable row level security;
alter table storage.objects force row level security;
create policy files on storage.objects for select using (bucket_id = 'invoices' and owner = (select c.tenant from app.context c));
