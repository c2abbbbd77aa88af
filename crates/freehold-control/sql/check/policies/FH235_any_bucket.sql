-- A policy for stored objects does not say which bucket
-- severity: medium
-- covers: pgrls SEC050
-- source: Supabase, "Storage Access Control"
-- why: The objects of all buckets are in one table. A policy that asks for the owner or the path, and not for the bucket, permits it in
--      every bucket, those of tenants and of backups among them.
select p.object, 'it holds for the objects of every bucket' as why,
       format('-- compare bucket_id in policy %I on %s', p.name, p.relation::regclass) as fix
from policies p
where p.relation = to_regclass('storage.objects') and p.is_permissive and (p.roles = '{0}' or p.roles && array(select role from reachable))
  and coalesce(p.using_text, p.check_text) <> 'false' and coalesce(p.using_text, p.check_text) !~ '\mbucket_id\M'
  and not exists (select from policies f where f.relation = p.relation and not f.is_permissive and f.roles = '{0}'
                    and f.command in (p.command, '*') and f.text ~ '\mbucket_id\M')

-- fault:
create schema storage authorization check_owner;
create table storage.objects (id uuid primary key, bucket_id text, name text, owner uuid);
alter table storage.objects owner to check_owner;
alter table storage.objects enable row level security;
alter table storage.objects force row level security;
create policy folder on storage.objects for select using (owner = (select c.tenant from app.context c));
-- names: policy folder on storage.objects

-- clean:
create schema storage authorization check_owner;
create table storage.objects (id uuid primary key, bucket_id text, name text, owner uuid);
alter table storage.objects owner to check_owner;
alter table storage.objects enable row level security;
alter table storage.objects force row level security;
create policy folder on storage.objects for select using (bucket_id = 'avatars' and owner = (select c.tenant from app.context c));
