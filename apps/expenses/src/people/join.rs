use freehold::isolation::{Access, Scope, Sqlx, Write};
use sqlx::FromRow;
use uuid::Uuid;

use super::invite::member_exists;
use super::name::Name;
use super::{Email, Role};
use crate::activity::{self, Actor};
use crate::failure::Failure;
use crate::session::Token;

/// What the link of an invitation leads to.
#[derive(Debug, FromRow)]
pub(super) struct Offer {
    pub(super) email: Email,
    pub(super) role: Role,
    /// Who invited them, unless they are gone.
    pub(super) inviter: Option<String>,
    pub(super) expired: bool,
    pub(super) accepted: bool,
}

/// The invitation of this link. A text that is none leads to none, as does a link of another organisation.
pub(super) async fn offer<A: Access>(scope: &mut Scope<Sqlx, A>, text: &str) -> Result<Option<Offer>, sqlx::Error> {
    let Some(token) = Token::parse(text) else { return Ok(None) };
    sqlx::query_as(
        "select i.email, i.role, coalesce(nullif(p.name, ''), p.email) as inviter, \
         i.expires_at <= now() as expired, i.accepted_at is not null as accepted \
         from invitations i left join people p on p.id = i.invited_by where i.digest = $1",
    )
    .bind(token.digest())
    .fetch_optional(scope)
    .await
}

/// Joins the organisation with this link. Nobody if it is good no more; of two who try at the same time one joins.
pub(super) async fn join(
    scope: &mut Scope<Sqlx, Write>,
    text: &str,
    name: &Name,
    hash: &str,
) -> Result<Option<Uuid>, Failure> {
    let Some(token) = Token::parse(text) else { return Ok(None) };
    let accepted: Option<(Email, Role)> = sqlx::query_as(
        "update invitations set accepted_at = now() where digest = $1 and accepted_at is null and expires_at > now() \
         returning email, role",
    )
    .bind(token.digest())
    .fetch_optional(&mut *scope)
    .await?;
    let Some((email, role)) = accepted else { return Ok(None) };
    let id = Uuid::now_v7();
    // Who has the link reads the mail of the address.
    let added = sqlx::query(
        "insert into people (id, email, name, password_hash, role, verified_at) values ($1, $2, $3, $4, $5, now()) \
         on conflict (tenant_id, email) do nothing",
    )
    .bind(id)
    .bind(&email)
    .bind(name)
    .bind(hash)
    .bind(role)
    .execute(&mut *scope)
    .await?;
    if added.rows_affected() == 0 {
        return Err(member_exists(&email));
    }
    let called = if name.as_str().is_empty() { email.as_str() } else { name.as_str() };
    activity::record(scope, Actor { id, called }, "joined", Some(id), &format!("as {role}")).await?;
    Ok(Some(id))
}
