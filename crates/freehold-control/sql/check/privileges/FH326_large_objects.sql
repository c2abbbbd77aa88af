-- Large objects can be read by every tenant
-- severity: high
-- covers: pitfall 21
-- source: PostgreSQL, chapter "Large Objects"; lo_compat_privileges
-- why: Large objects have an owner and grants, but no policies, and everybody sees their numbers: what one tenant stored through
--      the role, every other reads through it.
select format('large objects of %s', m.lomowner::regrole) as object,
       format('%s can be read by %s', count(distinct m.oid), string_agg(distinct g.who, ', ')) as why,
       '-- keep the bytes in a bytea column of a tenant table, then remove them with lo_unlink' as fix
from pg_largeobject_metadata m
cross join lateral (
    select m.lomowner::regrole::text as who where m.lomowner in (select role from reachable)
    union
    select coalesce(nullif(x.grantee, 0)::regrole::text, 'everybody') from aclexplode(m.lomacl) x
    where x.privilege_type = 'SELECT' and (x.grantee = 0 or x.grantee in (select role from reachable))
    union
    select 'everybody, as lo_compat_privileges is on' where current_setting('lo_compat_privileges')::boolean
) g
group by m.lomowner

-- fault:
set local role check_app;
select lo_create(0);
reset role;
-- names: large objects of check_app

-- fault:
set local role check_owner;
do $$ begin execute format('grant select on large object %s to public', lo_create(0)); end $$;
reset role;
-- names: large objects of check_owner

-- clean:
set local role check_owner;
select lo_create(0);
reset role;
