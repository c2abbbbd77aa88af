-- Statistics of the planner show rows that policies hide
-- severity: medium
-- covers: pitfalls, minimum versions: CVE-2025-8713
-- source: CVE-2025-8713; release notes of 17.6, 16.10, 15.14, 14.19 and 13.22
-- why: A caller's own leaky operator is fed values that were sampled from the whole table. Behind views, partitions and inheritance it
--      sees values of other tenants: the commonest ones and the limits of the histogram.
select 'server' as object,
       format('version %s.%s is below %s.%s, which mends CVE-2025-8713', o.version / 10000, o.version % 10000, f.major, f.minor) as why,
       format('-- update the server to %s.%s or later: a minor release needs no dump and restore', f.major, f.minor) as fix
from options o
join (values (17, 6), (16, 10), (15, 14), (14, 19), (13, 22)) as f(major, minor) on f.major = o.version / 10000
where o.version % 10000 < f.minor

-- fault:
set local freehold_check.server_version = '150013';
-- names: server

-- fault:
set local freehold_check.server_version = '170005';
-- names: server

-- clean:
set local freehold_check.server_version = '180006';
