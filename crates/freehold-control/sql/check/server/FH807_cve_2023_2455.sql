-- Inlined functions keep the policies of another role
-- severity: medium
-- covers: pitfalls, minimum versions: CVE-2023-2455
-- source: CVE-2023-2455; release notes of 15.3, 14.8, 13.11, 12.15 and 11.20
-- why: When a function is inlined and the plan is reused under another role, the policies of the first role apply: a tenant reads, or is
--      kept from, the wrong rows.
select 'server' as object,
       format('version %s.%s is below %s.%s, which mends CVE-2023-2455', o.version / 10000, o.version % 10000, f.major, f.minor) as why,
       format('-- update the server to %s.%s or later: a minor release needs no dump and restore', f.major, f.minor) as fix
from options o
join (values (15, 3), (14, 8), (13, 11), (12, 15), (11, 20)) as f(major, minor) on f.major = o.version / 10000
where o.version % 10000 < f.minor

-- fault:
set local freehold_check.server_version = '150002';
-- names: server

-- clean:
set local freehold_check.server_version = '180006';
