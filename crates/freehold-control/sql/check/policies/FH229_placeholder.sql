-- A policy is named like a placeholder
-- severity: low
-- covers: pgrls HYG002
-- source: -
-- why: Something named todo, tmp or debug was to be looked at once more before it went to production. It is in production.
select p.object, 'its name says that it was to be looked at again' as why,
       format('-- alter policy %I on %s rename to ..., once it is what it should be', p.name, p.relation::regclass) as fix
from policies p
where p.name ~* '(^|[^a-z])(todo|fixme|tmp|hack|xxx|debug|placeholder)([^a-z]|$)' or p.name ~ '[a-z](Todo|Fixme|FixMe|Tmp|Hack|Xxx|Debug|Placeholder)([^a-z]|$)'

-- fault:
create policy "TODO_fix" on app.notes for select using (text <> '');
-- names: policy "TODO_fix" on app.notes

-- clean:
create policy debugger_notes on app.notes for select using (text <> '');
