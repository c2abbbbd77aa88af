-- A role can be reset to the wrong one
-- severity: medium
-- covers: pitfalls, minimum versions: CVE-2024-10978
-- source: CVE-2024-10978; release notes of 17.1, 16.5, 15.9, 14.14 and 13.17
-- why: SET ROLE, SET SESSION AUTHORIZATION and their resets can leave a session with another role than was asked for, and it then reads
--      what that one may.
select 'server' as object,
       format('version %s.%s is below %s.%s, which mends CVE-2024-10978', o.version / 10000, o.version % 10000, f.major, f.minor) as why,
       format('-- update the server to %s.%s or later: a minor release needs no dump and restore', f.major, f.minor) as fix
from options o
join (values (17, 1), (16, 5), (15, 9), (14, 14), (13, 17)) as f(major, minor) on f.major = o.version / 10000
where o.version % 10000 < f.minor

-- fault:
set local freehold_check.server_version = '150008';
-- names: server

-- clean:
set local freehold_check.server_version = '180006';
