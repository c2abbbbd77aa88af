-- A rule rewrites what is done to a tenant table
-- severity: medium
-- covers: pitfall 9
-- source: PostgreSQL, chapter "Rules and Privileges"
-- why: The tables that a rule brings in are used with the rights of the table's owner, not of the caller, so policies and grants
--      made for the caller do not apply to them.
select format('rule %I on %s', w.rulename, t.name) as object, 'it runs as the owner of the table' as why,
       format('-- do the same in a trigger, then: drop rule %I on %s', w.rulename, t.name) as fix
from pg_rewrite w
join tenant_tables t on t.oid = w.ev_class
where w.rulename <> '_RETURN' and pg_get_ruledef(w.oid) !~* '\mdo\s+(instead\s+)?nothing;$'

-- fault:
create rule copy as on insert to app.notes do also insert into app.projects (tenant_id, name) values (new.tenant_id, new.text);
-- names: rule copy on app.notes

-- clean:
create rule kept as on delete to app.projects do instead nothing;
