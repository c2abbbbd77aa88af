-- A column of secrets is granted to everybody
-- severity: high
-- covers: splinter 0023; pgrls SEC045
-- source: PostgreSQL, GRANT on columns; OWASP, Multi-Tenant Security Cheat Sheet
-- why: Whoever reaches the database at all, signed in or not, reads passwords, keys or papers of people through this grant.
with low_trust as (
    select 0::oid as oid union all select oid from pg_roles where rolname in ('anon', 'anonymous', 'web_anon', 'guest')
),
secrets as (
    select r.*, a.attname as column, a.attacl
    from relations r join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
    where r.kind in ('r', 'p', 'm', 'f')
      and lower(a.attname) ~ ('^(hashed_|encrypted_|user_)?(password|passwd|pwd|passphrase)(_?hash|_digest|_salt)?$'
          || '|^(client_|webhook_|shared_|signing_|totp_|otp_|mfa_|2fa_)?secret(_key)?$|^(private|secret|api|access|signing|encryption|ssh|pgp)_?key$'
          || '|^(access|refresh|auth|oauth|session|bearer|api|reset|invite|confirmation|recovery)_token$|^(recovery|backup)_codes?$'
          || '|^(ssn|social_security(_number)?|passport_(number|no|id)|national_id(_number)?|drivers?_licen[cs]e(_number)?|tax_id)$'
          || '|^(credit_card(_number)?|card_number|cvv|cvc|iban|bank_account(_number)?|date_of_birth|dob)$')
)
select format('%s.%I', s.name, s.column) as object,
       format('%s may read it', case when bool_or(l.oid = 0) then 'everybody' else string_agg(distinct l.oid::regrole::text, ', ') end) as why,
       string_agg(distinct case when x.on_column then format('revoke select (%I) on %s from %s', s.column, s.name, w.grantee)
                                else format('revoke select on %s from %s', s.name, w.grantee) end, '; ') as fix
from secrets s
cross join low_trust l
cross join lateral (select coalesce(nullif(l.oid, 0)::regrole::text, 'public') as grantee) w
cross join lateral (
    -- Rows of a whole table may be kept by policies; a grant of the one column is meant.
    select true as on_column from aclexplode(s.attacl) c where c.grantee = l.oid and c.privilege_type = 'SELECT'
    union all
    select false from aclexplode(s.acl) c where c.grantee = l.oid and c.privilege_type = 'SELECT' and not s.enabled
) x
group by s.name, s.column

-- fault:
create table app.users (id uuid primary key, name text not null, password_hash text not null, api_key text);
grant select (id, api_key) on app.users to public;
-- names: app.users.api_key

-- fault:
create role anon nologin;
create table app.users (id uuid primary key, name text not null, password_hash text not null);
grant select on app.users to anon;
-- names: app.users.password_hash

-- clean:
create table app.users (id uuid primary key, name text not null, password_hash text not null, api_key text);
grant select (id, name) on app.users to public;
alter table app.users owner to check_owner;
