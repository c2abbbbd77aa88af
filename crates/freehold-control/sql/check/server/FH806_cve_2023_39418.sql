-- MERGE does not ask every policy
-- severity: high
-- covers: pitfalls, minimum versions: CVE-2023-39418
-- source: CVE-2023-39418; release notes of 15.4
-- why: MERGE stores rows that policies for UPDATE and SELECT forbid: a tenant can give its rows to another, or write what it may not
--      read.
select 'server' as object,
       format('version %s.%s is below %s.%s, which mends CVE-2023-39418', o.version / 10000, o.version % 10000, f.major, f.minor) as why,
       format('-- update the server to %s.%s or later: a minor release needs no dump and restore', f.major, f.minor) as fix
from options o
join (values (15, 4)) as f(major, minor) on f.major = o.version / 10000
where o.version % 10000 < f.minor

-- fault:
set local freehold_check.server_version = '150003';
-- names: server

-- clean:
set local freehold_check.server_version = '180006';
