-- The calls of a migration author: freehold.tenant_table() and freehold.global_table().

-- Why `target` must not become a tenant table, and what to do about each reason. No rows: nothing stands against it.
create function freehold.tenant_table_faults(target regclass)
returns table (fault text, fix text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    with
    relation as (
        select c.oid, c.relkind, c.relpersistence, c.relispartition, c.relname, n.nspname, n.oid as namespace, c.relowner
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.oid = target
    ),
    tenant_column as (
        select a.* from pg_attribute a
        where a.attrelid = target and a.attname = 'tenant_id' and a.attnum > 0 and not a.attisdropped
    )
    select format('%s is %s', target, case relkind
               when 'v' then 'a view' when 'm' then 'a materialized view' when 'f' then 'a foreign table'
               when 'S' then 'a sequence' when 'i' then 'an index' else 'not a table' end),
           'only ordinary and partitioned tables can carry row-level security; grant a security_invoker view over tenant tables instead'
    from relation where relkind not in ('r', 'p')
    union all
    select format('%s is %s', target, case relpersistence when 't' then 'temporary' else 'unlogged' end), 'create it as an ordinary table'
    from relation where relpersistence <> 'p'
    union all
    select format('%s is a partition', target), 'call freehold.tenant_table on its parent, which covers every partition'
    from relation where relispartition
    union all
    select format('%s inherits from, or is inherited by, another table', target), 'use declarative partitioning, or a foreign key'
    from relation
    where relkind = 'r' and not relispartition
      and exists (select from pg_inherits i where target in (i.inhrelid, i.inhparent))
    union all
    select format('schema %I is not a placement', nspname),
           'create tenant tables without a schema name in migrations/tenant, and run them with `freehold migrate`'
    from relation where not exists (select from freehold.placements p where p.id = nspname)
    union all
    select format('%s is owned by %I', target, pg_get_userbyid(relowner)), format('alter table %s owner to freehold_owner', target)
    from relation where pg_get_userbyid(relowner) <> 'freehold_owner'
    union all
    select format('%s has no column tenant_id', target), 'add: tenant_id uuid not null'
    from relation where not exists (select from tenant_column)
    union all
    select format('%s.tenant_id is %s%s', target, format_type(atttypid, atttypmod), case when attnotnull then '' else ', nullable' end),
           format('alter table %1$s alter tenant_id type uuid using tenant_id::uuid, alter tenant_id set not null', target)
    from tenant_column where atttypid <> 'uuid'::regtype or not attnotnull
    union all
    select format('%s.tenant_id is generated', target), 'make it an ordinary column; its default names the tenant of the context'
    from tenant_column where attgenerated <> '' or attidentity <> ''
    union all
    select format('%s has no primary key', target), 'add: primary key (tenant_id, id)'
    from relation where not exists (select from pg_index i where i.indrelid = target and i.indisprimary)
    union all
    select format('%s %s does not lead with tenant_id, so its error tells one tenant what another one has',
                  case when i.indisprimary then 'primary key' when i.indisexclusion then 'exclusion constraint' else 'unique index' end,
                  i.indexrelid::regclass),
           format('make it (tenant_id, %s)', coalesce(
               (select string_agg(a.attname, ', ' order by a.attnum) from pg_attribute a where a.attrelid = i.indexrelid and a.attname <> 'tenant_id'), '...'))
    from pg_index i
    where i.indrelid = target and (i.indisunique or i.indisexclusion)
      and i.indkey[0] is distinct from (select attnum from tenant_column)
    union all
    select format('exclusion constraint %s does not compare tenant_id with =', conname),
           format('alter table %s drop constraint %I and add it with: tenant_id with =', target, conname)
    from pg_constraint
    where conrelid = target and contype = 'x' and conexclop[1] <> '=(uuid,uuid)'::regoperator
    union all
    -- Both ends of every foreign key that touches this table: the tenant must be part of the reference.
    select format('foreign key %s of %s to %s does not carry tenant_id', f.conname, f.conrelid::regclass, f.confrelid::regclass),
           format('make it: foreign key (tenant_id, %s) references %s (tenant_id, ...)',
                  (select string_agg(a.attname, ', ' order by a.attnum) from pg_attribute a
                   where a.attrelid = f.conrelid and a.attnum = any (f.conkey) and a.attname <> 'tenant_id'), f.confrelid::regclass)
    from pg_constraint f
    join pg_class other on other.oid = f.confrelid
    join pg_namespace n on n.oid = other.relnamespace
    where f.contype = 'f' and f.conparentid = 0 and target in (f.conrelid, f.confrelid) and n.nspname <> 'global'
      and not exists (
          select from unnest(f.conkey, f.confkey) as pair(here, there)
          join pg_attribute h on h.attrelid = f.conrelid and h.attnum = pair.here
          join pg_attribute t on t.attrelid = f.confrelid and t.attnum = pair.there
          where h.attname = 'tenant_id' and t.attname = 'tenant_id')
    union all
    select format('foreign key %s would set tenant_id to %s', conname, case when 'n' in (confdeltype, confupdtype) then 'null' else 'its default' end),
           'name the columns: on delete set null (the other column)'
    from pg_constraint
    where conrelid = target and contype = 'f'
      and (confupdtype in ('n', 'd')
           or confdeltype in ('n', 'd') and (confdelsetcols is null or (select attnum from tenant_column) = any (confdelsetcols)))
    union all
    select format('column %s.%I takes its default from a sequence, whose state every tenant could read', target, a.attname),
           'use: generated always as identity, or uuid'
    from pg_attribute a join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where a.attrelid = target and a.attgenerated = '' and pg_get_expr(d.adbin, d.adrelid) ~* '\mnextval\s*\('
    union all
    select format('column %s.%I has type %s, which cannot be copied to another database', target, a.attname, format_type(a.atttypid, null)),
           'store a name or a uuid instead'
    from pg_attribute a join pg_type t on t.oid = a.atttypid
    where a.attrelid = target and a.attnum > 0 and not a.attisdropped
      and coalesce(nullif(t.typelem, 0), t.oid)::regtype::text in
          ('oid', 'xid', 'xid8', 'cid', 'tid', 'regclass', 'regtype', 'regproc', 'regprocedure', 'regoper', 'regoperator',
           'regnamespace', 'regrole', 'regconfig', 'regdictionary', 'regcollation')
    union all
    select format('column %s.%I has type %s of this placement, so a statement prepared here would fail in another placement',
                  target, a.attname, format_type(a.atttypid, null)),
           'create the type in migrations/shared, in schema global'
    from pg_attribute a
    join pg_type t on t.oid = a.atttypid
    left join pg_type e on e.oid = t.typelem and t.typcategory = 'A'
    cross join relation r
    where a.attrelid = target and a.attnum > 0 and not a.attisdropped
      and coalesce(e.typnamespace, t.typnamespace) = r.namespace
    union all
    select format('trigger %s of %s runs security definer function %s', g.tgname, target, p.oid::regprocedure),
           format('alter function %s security invoker', p.oid::regprocedure)
    from pg_trigger g join pg_proc p on p.oid = g.tgfoid
    where g.tgrelid = target and not g.tgisinternal and p.prosecdef
    union all
    select format('%s has rule %s, which runs with the rights of the owner', target, rulename), format('drop rule %I on %s; use a trigger', rulename, target)
    from pg_rewrite where ev_class = target and rulename <> '_RETURN'
    union all
    select format('policy %s of %s names a role; "drop owned" by that role removes it', polname, target),
           format('drop policy %I on %s, and create it "to public"', polname, target)
    from pg_policy where polrelid = target and polroles <> '{0}'
$$;

-- Makes `target` a tenant table: the default of tenant_id, row-level security that binds the owner too, policies, grants.
-- Runs again without harm; call it again after a migration that changed the table. Raises, naming every fault and its
-- fix, when the table would let one tenant see, block or guess another's rows.
--
-- The policies are `to public`: one that named the application's role would fall to "drop owned by current_user". The
-- placement is a literal in them, so that a context for one placement cannot plant rows in another.
create function freehold.tenant_table(target regclass) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    faults text;
    fixes text;
    place text := (select n.nspname from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = target);
    readable text := format($p$(tenant_id = (select (case when placement = %1$L then tenant::text
        else 'freehold: the tenant context is for another placement' end)::uuid from freehold.context))$p$, place);
    writable text := format($p$(tenant_id = (select (case when placement is distinct from %1$L then 'freehold: the tenant context is for another placement'
        when mode is distinct from 'w' then 'freehold: the tenant context is read-only'
        else tenant::text end)::uuid from freehold.context))$p$, place);
    leaf regclass;
    policy name;
begin
    select string_agg(f.fault, E'\n'), string_agg(f.fix, E'\n') into faults, fixes from freehold.tenant_table_faults(target) f;
    if faults is not null then
        raise exception using
            errcode = 'check_violation',
            message = format('freehold: %s cannot be a tenant table: %s', target, faults),
            hint = fixes;
    end if;

    -- What a token begins with. A guest binds none, and only says whose rows are meant.
    execute format('alter table %s alter tenant_id set default '
        'left(coalesce(current_setting(''freehold.token'', true), current_setting(''freehold.guest'', true)), 36)::uuid', target);

    for leaf in select relid from pg_partition_tree(target) union select target loop
        execute format('alter table %s enable row level security, force row level security', leaf);
        for policy in select polname from pg_policy where polrelid = leaf and polname like 'freehold\_%' loop
            execute format('drop policy %I on %s', policy, leaf);
        end loop;
        execute format('create policy freehold_rows on %s using (true) with check (true)', leaf);
        execute format('create policy freehold_select on %s as restrictive for select using %s', leaf, readable);
        execute format('create policy freehold_insert on %s as restrictive for insert with check %s', leaf, writable);
        execute format('create policy freehold_update on %s as restrictive for update using %s with check %s', leaf, writable, writable);
        execute format('create policy freehold_delete on %s as restrictive for delete using %s', leaf, writable);
        execute format('revoke all on %s from public, freehold_app, freehold_tenant', leaf);
    end loop;
    execute format('grant select, insert, update, delete on %s to freehold_app, freehold_tenant', target);
end
$$;

-- Makes `target` a global table: reference data, equal in every database, that every tenant may read and none may write.
create function freehold.global_table(target regclass) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    relation record;
begin
    select c.relkind, c.relname, n.nspname, pg_get_userbyid(c.relowner) as owner into relation
    from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = target;
    if relation.relkind not in ('r', 'p') or relation.nspname <> 'global' or relation.owner <> 'freehold_owner' then
        raise exception using
            errcode = 'check_violation',
            message = format('freehold: %s cannot be a global table: it must be an ordinary table in schema global, owned by freehold_owner', target),
            hint = format('in migrations/shared: create table global.%I (...)', relation.relname);
    end if;
    if exists (select from pg_attribute where attrelid = target and attname = 'tenant_id' and not attisdropped) then
        raise exception using
            errcode = 'check_violation',
            message = format('freehold: %s has a column tenant_id, and a global table is readable by every tenant', target),
            hint = 'create it in migrations/tenant and call freehold.tenant_table';
    end if;
    execute format('revoke all on %s from public, freehold_app, freehold_tenant', target);
    execute format('grant select on %s to freehold_app, freehold_tenant', target);
end
$$;

revoke all on function freehold.tenant_table_faults(regclass), freehold.tenant_table(regclass), freehold.global_table(regclass) from public;
grant execute on function freehold.tenant_table_faults(regclass), freehold.tenant_table(regclass), freehold.global_table(regclass)
    to freehold_owner, freehold_control;
