-- A rewrite rule writes past the policies
-- severity: high
-- covers: pitfall 9
-- source: PostgreSQL, chapter "Rules and Privileges"
-- why: What a rule does is done as the owner of the table or view it is on. When policies do not bind that owner, whoever may write
--      there writes, or makes the rule read, rows of every tenant.
select format('rule %I on %s', w.rulename, r.name) as object,
       format('what it does to %s it does as %s, whom the policies do not bind',
              string_agg(distinct t.name, ', ' order by t.name), o.rolname) as why,
       format('drop rule %I on %s', w.rulename, r.name) as fix
from pg_rewrite w
join relations r on r.oid = w.ev_class
join pg_roles o on o.oid = r.owner
join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid and d.refclassid = 'pg_class'::regclass and d.refobjid <> r.oid
join relations t on t.oid = d.refobjid and t.kind in ('r', 'p') and t.enabled
where w.ev_type in ('2', '3', '4') and w.ev_enabled <> 'D'
  and (o.rolsuper or o.rolbypassrls or not t.forced and pg_has_role(r.owner, t.owner, 'usage'))
  and pg_get_ruledef(w.oid) !~ '\m(current_setting|CURRENT_USER|SESSION_USER)\M'
  and not exists (select from pg_depend x where x.classid = 'pg_rewrite'::regclass and x.objid = w.oid
                    and x.refobjid in (select oid from context_sources))
  and exists (select from grants g where g.relation = r.oid
                and g.privilege = case w.ev_type when '2' then 'UPDATE' when '3' then 'INSERT' else 'DELETE' end)
group by w.oid, w.rulename, r.name, o.rolname

-- fault:
create table app.inbox (tenant_id uuid, text text);
create rule keep as on insert to app.inbox do instead insert into app.notes (tenant_id, text) values (new.tenant_id, new.text);
grant insert on app.inbox to check_app;
-- names: rule keep on app.inbox

-- clean:
create view app.inbox with (security_invoker = true) as select n.tenant_id, n.text from app.notes n;
alter view app.inbox owner to check_owner;
create rule keep as on insert to app.inbox do instead insert into app.notes (tenant_id, text) values (new.tenant_id, new.text);
grant insert on app.inbox to check_app;
