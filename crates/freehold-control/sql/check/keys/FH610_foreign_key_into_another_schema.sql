-- A foreign key relies on a unique constraint of somebody else's schema
-- severity: low
-- covers: splinter 0021
-- source: PostgreSQL, DROP TABLE: CASCADE; ALTER TABLE: DROP CONSTRAINT
-- why: The owner of that schema, such as a platform's service for users, may replace any unique constraint but the primary key when
--      it is upgraded. The upgrade then fails, or drops this foreign key with it.
select format('foreign key %I on %s', k.conname, r.name) as object,
       format('it refers to %s by %s, which is not its primary key and belongs to %s', k.confrelid::regclass, k.conindid::regclass,
              p.relowner::regrole) as why,
       format('-- alter table %s drop constraint %I; refer to the primary key of %s', r.name, k.conname, k.confrelid::regclass) as fix
from pg_constraint k
join relations r on r.oid = k.conrelid
join pg_class p on p.oid = k.confrelid
join pg_namespace n on n.oid = p.relnamespace
join pg_index i on i.indexrelid = k.conindid
where k.contype = 'f' and k.conparentid = 0 and not i.indisprimary and n.nspname <> r.schema and p.relowner <> r.owner

-- fault:
create role check_platform nologin;
create schema check_users authorization check_platform;
create table check_users.users (id uuid not null primary key, email text not null unique);
alter table check_users.users owner to check_platform;
create table app.profiles (tenant_id uuid not null references app.tenants, email text not null, primary key (tenant_id, email),
    constraint of_user foreign key (email) references check_users.users (email));
-- names: foreign key of_user on app.profiles

-- clean:
create role check_platform nologin;
create schema check_users authorization check_platform;
create table check_users.users (id uuid not null primary key, email text not null unique);
alter table check_users.users owner to check_platform;
create table app.profiles (tenant_id uuid not null references app.tenants, user_id uuid not null, primary key (tenant_id, user_id),
    constraint of_user foreign key (user_id) references check_users.users);
create index on app.profiles (user_id);
alter table app.profiles owner to check_owner;
select app.protect('app.profiles');
