-- A column has a type that pg_upgrade refuses
-- severity: low
-- covers: splinter 0018
-- source: PostgreSQL, pg_upgrade: certain reg* types in user tables
-- why: Such a column holds the oid of an object, and oids change in an upgrade, so pg_upgrade stops: the fix of the next leak in
--      PostgreSQL is late by a migration of data.
select format('%s.%I', r.name, a.attname) as object, format('it is %s', format_type(a.atttypid, a.atttypmod)) as why,
       case when r.kind in ('r', 'p') and not r.is_partition
            then format('alter table %s alter column %I type text%s', r.name, a.attname,
                        case when y.typelem <> 0 and y.typlen = -1 then '[]' else '' end)
            else '-- cast the column to text where it is made' end as fix
from relations r
join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
join pg_type y on y.oid = a.atttypid
where r.kind in ('r', 'p', 'm') and not (r.is_partition and a.attinhcount > 0)
  and coalesce(nullif(y.typelem, 0), y.oid) in
      ('regcollation'::regtype, 'regconfig'::regtype, 'regdictionary'::regtype, 'regnamespace'::regtype, 'regoper'::regtype,
       'regoperator'::regtype, 'regproc'::regtype, 'regprocedure'::regtype)

-- fault:
alter table app.notes add column language regconfig not null default 'simple', add column calls regprocedure[];
alter table app.notes alter column language drop default;
-- names: app.notes.language
-- names: app.notes.calls

-- clean:
alter table app.notes add column language text not null default 'simple', add column of regclass,
    add column kind regtype, add column by regrole;
