-- Cached plans outlive a change of role
-- severity: high
-- covers: pitfalls, minimum versions: CVE-2026-14666
-- source: CVE-2026-14666; release notes of 18.6, 17.11, 16.15, 15.19 and 14.24
-- why: A plan made under one role is used under another, with the policies of the first. On a pooled connection that changes roles, a
--      tenant gets rows that the role before was allowed.
select 'server' as object,
       format('version %s.%s is below %s.%s, which mends CVE-2026-14666', o.version / 10000, o.version % 10000, f.major, f.minor) as why,
       format('-- update the server to %s.%s or later: a minor release needs no dump and restore', f.major, f.minor) as fix
from options o
join (values (18, 6), (17, 11), (16, 15), (15, 19), (14, 24)) as f(major, minor) on f.major = o.version / 10000
where o.version % 10000 < f.minor

-- fault:
set local freehold_check.server_version = '150018';
-- names: server

-- fault:
set local freehold_check.server_version = '180005';
-- names: server

-- clean:
set local freehold_check.server_version = '180006';

-- clean:
set local freehold_check.server_version = '170011';

-- clean:
set local freehold_check.server_version = '160015';

-- clean:
set local freehold_check.server_version = '150019';
