use freehold::Problem;
use freehold::isolation::{Access, Scope, Sqlx, Write};
use http::StatusCode;
use serde::Serialize;
use sqlx::FromRow;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Email, Role, ticket};
use crate::failure::Failure;
use crate::session::{self, Person};

/// A person of the organisation, as the others see them.
#[derive(Clone, Debug, Serialize, FromRow, ToSchema)]
pub(crate) struct Member {
    pub(super) id: Uuid,
    pub(super) email: Email,
    /// Empty for those who gave none.
    pub(super) name: String,
    pub(super) role: Role,
    /// Whether the address is known to be theirs.
    pub(super) confirmed: bool,
}

impl Member {
    /// The name, or else the address.
    pub(super) fn called(&self) -> &str {
        if self.name.is_empty() { self.email.as_str() } else { &self.name }
    }
}

/// A query for members: the columns of [`Member`], and what follows.
macro_rules! select_members {
    ($rest:literal) => {
        concat!("select id, email, name, role, verified_at is not null as confirmed from people ", $rest)
    };
}

/// Everybody, by what they are called. The people of an organisation fit a page.
pub(super) async fn all<A: Access>(scope: &mut Scope<Sqlx, A>) -> Result<Vec<Member>, sqlx::Error> {
    let select = select_members!("order by lower(coalesce(nullif(name, ''), email)), email");
    sqlx::query_as(select).fetch_all(scope).await
}

/// The person of this id, if the organisation has them.
pub(super) async fn find<A: Access>(scope: &mut Scope<Sqlx, A>, id: Uuid) -> Result<Option<Member>, sqlx::Error> {
    sqlx::query_as(select_members!("where id = $1")).bind(id).fetch_optional(scope).await
}

/// The person of this address, if the organisation has them.
pub(super) async fn find_by_email<A: Access>(
    scope: &mut Scope<Sqlx, A>,
    email: &Email,
) -> Result<Option<Member>, sqlx::Error> {
    sqlx::query_as(select_members!("where email = $1")).bind(email).fetch_optional(scope).await
}

/// Refuses whoever is no owner.
pub(super) fn check_owner(person: &Person, words: &'static str) -> Result<(), Failure> {
    if person.role == Role::Owner { Ok(()) } else { Err(Failure::forbidden(words)) }
}

/// Waits until nobody else changes who is an owner, and asks again whether `person` is one.
///
/// All who change that lock the organisation's row first. What is asked behind that holds until the commit: of two owners
/// who remove each other at the same time one stays.
pub(super) async fn lock_owners(scope: &mut Scope<Sqlx, Write>, person: &Person) -> Result<(), Failure> {
    sqlx::query("select from organisation for update").execute(&mut *scope).await?;
    let role: Option<Role> =
        sqlx::query_scalar("select role from people where id = $1").bind(person.id).fetch_optional(scope).await?;
    match role {
        Some(Role::Owner) => Ok(()),
        _ => Err(Failure::forbidden("you are no owner any more")),
    }
}

/// Refuses to let the organisation lose its last owner, with the owners locked.
pub(super) async fn check_not_last_owner(scope: &mut Scope<Sqlx, Write>, member: &Member) -> Result<(), Failure> {
    if member.role != Role::Owner {
        return Ok(());
    }
    let select = "select exists (select from people where role = 'owner' and id <> $1)";
    if sqlx::query_scalar(select).bind(member.id).fetch_one(scope).await? {
        return Ok(());
    }
    let detail = format!("{} is the only owner: make somebody else an owner first", member.called());
    Err(Problem::new(StatusCode::CONFLICT, "last_owner").detail(detail).into())
}

/// Gives the person another password. Their sessions end, and links to choose a new one are worthless: who knew the old one,
/// or reads their mail, is out.
pub(super) async fn set_password(scope: &mut Scope<Sqlx, Write>, id: Uuid, hash: &str) -> Result<(), sqlx::Error> {
    sqlx::query("update people set password_hash = $2 where id = $1").bind(id).bind(hash).execute(&mut *scope).await?;
    ticket::withdraw(scope, id, ticket::Purpose::Password).await?;
    session::end_all(scope, id).await
}

/// Notes that the address is the person's: they followed a link that was sent there.
pub(super) async fn set_confirmed(scope: &mut Scope<Sqlx, Write>, id: Uuid) -> Result<(), sqlx::Error> {
    let update = "update people set verified_at = coalesce(verified_at, now()) where id = $1";
    sqlx::query(update).bind(id).execute(scope).await?;
    Ok(())
}
