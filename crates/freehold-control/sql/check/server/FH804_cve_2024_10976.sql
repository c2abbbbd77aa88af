-- Policies below a subquery outlive a change of role
-- severity: high
-- covers: pitfalls, minimum versions: CVE-2024-10976
-- source: CVE-2024-10976; release notes of 17.1, 16.5, 15.9, 14.14 and 13.17
-- why: A reused plan keeps the policies of the role it was made for when the table stands in a subquery, a WITH query, a view with
--      security_invoker or an SQL function. After SET ROLE the next tenant reads with them.
select 'server' as object,
       format('version %s.%s is below %s.%s, which mends CVE-2024-10976', o.version / 10000, o.version % 10000, f.major, f.minor) as why,
       format('-- update the server to %s.%s or later: a minor release needs no dump and restore', f.major, f.minor) as fix
from options o
join (values (17, 1), (16, 5), (15, 9), (14, 14), (13, 17)) as f(major, minor) on f.major = o.version / 10000
where o.version % 10000 < f.minor

-- fault:
set local freehold_check.server_version = '150008';
-- names: server

-- fault:
set local freehold_check.server_version = '170000';
-- names: server

-- clean:
set local freehold_check.server_version = '180006';
