-- A dump can run code where it is restored
-- severity: low
-- covers: pitfalls, minimum versions: CVE-2025-8714, CVE-2025-8715
-- source: CVE-2025-8714 and CVE-2025-8715; release notes of 17.6, 16.10, 15.14, 14.19 and 13.22
-- why: Names of objects, and the superuser of the server a dump comes from, can put commands into plain dumps. A tenant's dump that is
--      brought in with psql then runs as whoever restores. The programs matter most, and come with the server.
select 'server' as object,
       format('version %s.%s is below %s.%s, which mends CVE-2025-8714, CVE-2025-8715',
              o.version / 10000, o.version % 10000, f.major, f.minor) as why,
       format('-- update the server to %s.%s or later: a minor release needs no dump and restore', f.major, f.minor) as fix
from options o
join (values (17, 6), (16, 10), (15, 14), (14, 19), (13, 22)) as f(major, minor) on f.major = o.version / 10000
where o.version % 10000 < f.minor

-- fault:
set local freehold_check.server_version = '150013';
-- names: server

-- clean:
set local freehold_check.server_version = '180006';
