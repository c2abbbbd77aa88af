-- What the pages need beside the API: names to greet people by, colours and a logo, links sent by mail, what was done.

alter table organisation
    -- What people read. The catalog has the name the organisation signed up with, for those who run the service.
    add column name text not null default '' check (length(name) <= 200),
    -- Of buttons and links; the application refuses one that text cannot be read on.
    add column colour text check (colour ~ '^#[0-9a-f]{6}$'),
    -- A PNG that the application made from what was sent, and its SHA-256, which is part of its address.
    add column logo bytea check (length(logo) <= 524288),
    add column logo_digest bytea check (length(logo_digest) = 32);
select freehold.tenant_table('organisation');

alter table people
    add column name text not null default '' check (length(name) <= 200),
    -- When a link that was sent to the address was followed.
    add column verified_at timestamptz;
select freehold.tenant_table('people');

alter table expenses
    -- Counts changes, so that of two people who edit the same expense the second is told.
    add column version bigint not null default 1;
-- Nobody submitted or decided on an imported expense, and nobody looks for those by nobody.
create index on expenses (tenant_id, created_by) where created_by is not null;
-- The order of the list by amount.
create index on expenses (tenant_id, amount_minor, id);
-- What a search through descriptions reads. Imported expenses have none.
create index on expenses (tenant_id, date, id) where description <> '';
select freehold.tenant_table('expenses');

-- Secrets in links, good once: to choose a new password, to confirm the address, to come in after the sign-up at another
-- host. Only the digest is kept.
create table tickets (
    tenant_id uuid not null,
    digest bytea not null check (length(digest) = 32),
    person_id uuid not null,
    purpose text not null check (purpose in ('password', 'address', 'welcome')),
    expires_at timestamptz not null,
    primary key (tenant_id, digest),
    foreign key (tenant_id, person_id) references people (tenant_id, id) on delete cascade
);
create index on tickets (tenant_id, person_id, purpose);
select freehold.tenant_table('tickets');

-- People who may join, and by which link those who did came in. Inviting an address again replaces its link.
create table invitations (
    tenant_id uuid not null,
    id uuid not null,
    email text not null check (email = lower(email)),
    role text not null check (role in ('owner', 'approver', 'member')),
    digest bytea not null check (length(digest) = 32),
    invited_by uuid,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    accepted_at timestamptz,
    primary key (tenant_id, id),
    unique (tenant_id, email),
    unique (tenant_id, digest),
    foreign key (tenant_id, invited_by) references people (tenant_id, id) on delete set null (invited_by)
);
create index on invitations (tenant_id, invited_by);
select freehold.tenant_table('invitations');

-- Mail to be sent, written in the transaction of what it tells of: either both happened or neither.
create table mails (
    tenant_id uuid not null,
    id uuid not null,
    recipient text not null,
    subject text not null,
    -- Emptied when it was sent, because links in it are secrets.
    body text not null,
    attempts int not null default 0,
    -- When to try, or to try again because whoever took it did not say what became of it.
    due_at timestamptz not null default now(),
    sent_at timestamptz,
    failure text,
    primary key (tenant_id, id)
);
create index on mails (tenant_id, due_at) where sent_at is null;
select freehold.tenant_table('mails');

-- Who did what, in the transaction in which it was done.
create table activity (
    tenant_id uuid not null,
    id uuid not null,
    at timestamptz not null default now(),
    person_id uuid,
    -- The person's name or address at that time: it stays when the person is gone.
    actor text not null,
    action text not null check (action <> ''),
    -- What it was done to: an expense, an import, a person.
    subject uuid,
    detail text not null default '',
    primary key (tenant_id, id),
    foreign key (tenant_id, person_id) references people (tenant_id, id) on delete set null (person_id)
);
create index on activity (tenant_id, subject, id) where subject is not null;
-- What one person did, and what was done of a kind, the latest first.
create index on activity (tenant_id, person_id, id) where person_id is not null;
create index on activity (tenant_id, action, id);
select freehold.tenant_table('activity');
