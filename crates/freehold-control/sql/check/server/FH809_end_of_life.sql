-- The server gets no more security fixes
-- severity: high
-- covers: pitfalls, minimum versions: CVE-2019-10130, CVE-2017-7484, CVE-2016-2193
-- source: PostgreSQL, versioning policy: a major release is kept up for five years
-- why: Leaks past policies are found every year, and this major release is no longer mended.
select 'server' as object, format('version %s is no longer kept up', case when o.version < 100000
           then format('%s.%s', o.version / 10000, o.version / 100 % 100) else (o.version / 10000)::text end) as why,
       '-- move to a major release that is kept up, with pg_upgrade or logical replication' as fix
from options o
where o.version < 150000

-- fault:
set local freehold_check.server_version = '140024';
-- names: server

-- fault:
set local freehold_check.server_version = '90624';
-- names: server

-- clean:
set local freehold_check.server_version = '150019';
