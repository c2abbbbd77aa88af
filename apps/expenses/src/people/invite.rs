use axum::Json;
use axum::extract::State;
use freehold::Problem;
use freehold::isolation::{Access, Scope, Sqlx, Write};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use utoipa::ToSchema;
use uuid::Uuid;

use super::letters::Invited;
use super::{Email, Role, member};
use crate::activity;
use crate::day::Day;
use crate::failure::Failure;
use crate::input::Body;
use crate::mail::Mail;
use crate::openapi::ProblemBody;
use crate::session::{Person, Token, Visitor};

/// Who is to join, and as what.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NewInvitation {
    pub(super) email: Email,
    pub(super) role: Role,
}

/// Somebody who may join.
#[derive(Debug, Serialize, FromRow, ToSchema)]
pub(crate) struct Invitation {
    id: Uuid,
    email: Email,
    role: Role,
    /// When the link in the mail is worthless.
    #[schema(format = DateTime)]
    expires_at: String,
}

/// Days for which the link in the mail is good.
pub(super) const LIFETIME_DAYS: i32 = 7;

/// Invites somebody by mail. Owners do. Inviting an address again makes the first link worthless.
#[utoipa::path(
    post, path = "/api/invitations", tag = "people", request_body = NewInvitation,
    responses(
        (status = 201, body = Invitation),
        (status = 401, description = "Nobody is logged in", body = ProblemBody),
        (status = 403, description = "The person is no owner", body = ProblemBody),
        (status = 409, description = "The address is a member's already", body = ProblemBody),
        (status = 422, description = "A value is missing or wrong", body = ProblemBody),
        (status = 429, description = "Too many mails to this address, or too many invitations", body = ProblemBody),
    ),
)]
pub(crate) async fn invite(
    visitor: Visitor,
    State(mail): State<Mail>,
    Body(new): Body<NewInvitation>,
) -> Result<(StatusCode, Json<Invitation>), Failure> {
    let (mut scope, person) = visitor.write().await?;
    let invitation = apply(&mut scope, &mail, &person, &new).await?;
    mail.commit(scope).await?;
    Ok((StatusCode::CREATED, Json(invitation)))
}

/// Invites somebody, for `person`.
pub(super) async fn apply(
    scope: &mut Scope<Sqlx, Write>,
    mail: &Mail,
    person: &Person,
    new: &NewInvitation,
) -> Result<Invitation, Failure> {
    member::check_owner(person, "owners invite people")?;
    if member::find_by_email(scope, &new.email).await?.is_some() {
        return Err(member_exists(&new.email));
    }
    mail.admit_invitation(scope.tenant().id(), &new.email)?;
    let token = Token::generate();
    let invitation: Invitation = sqlx::query_as(
        "insert into invitations (id, email, role, digest, invited_by, expires_at) \
         values ($1, $2, $3, $4, $5, now() + make_interval(days => $6)) \
         on conflict (tenant_id, email) do update set role = excluded.role, digest = excluded.digest, \
         invited_by = excluded.invited_by, created_at = excluded.created_at, expires_at = excluded.expires_at, accepted_at = null \
         returning id, email, role, to_char(expires_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') as expires_at",
    )
    .bind(Uuid::now_v7())
    .bind(&new.email)
    .bind(new.role)
    .bind(token.digest())
    .bind(person.id)
    .bind(LIFETIME_DAYS)
    .fetch_one(&mut *scope)
    .await?;
    let head = mail.letterhead(scope).await?;
    let letter = Invited { head, inviter: person.called(), role: new.role, days: LIFETIME_DAYS, token: token.text() };
    mail.post(scope, &new.email, &letter).await?;
    let detail = format!("{} as {}", new.email.as_str(), new.role);
    activity::record(scope, person, "invited a person", Some(invitation.id), &detail).await?;
    Ok(invitation)
}

pub(super) fn member_exists(email: &Email) -> Failure {
    let detail = format!("{} is a member already", email.as_str());
    Problem::new(StatusCode::CONFLICT, "member_exists").detail(detail).into()
}

/// An invitation that nobody took yet, as the list of people shows it.
#[derive(Debug, FromRow)]
pub(super) struct Pending {
    pub(super) id: Uuid,
    pub(super) email: Email,
    pub(super) role: Role,
    /// Who invited them, unless they are gone.
    pub(super) inviter: Option<String>,
    /// By universal time.
    pub(super) expires_on: Day,
    pub(super) expired: bool,
}

/// Who was invited and did not join yet, the latest first.
pub(super) async fn pending<A: Access>(scope: &mut Scope<Sqlx, A>) -> Result<Vec<Pending>, sqlx::Error> {
    sqlx::query_as(
        "select i.id, i.email, i.role, coalesce(nullif(p.name, ''), p.email) as inviter, \
         (i.expires_at at time zone 'UTC')::date as expires_on, i.expires_at <= now() as expired \
         from invitations i left join people p on p.id = i.invited_by where i.accepted_at is null order by i.created_at desc",
    )
    .fetch_all(scope)
    .await
}

/// Sends an invitation again, with another link, for `person`.
pub(super) async fn repeat(
    scope: &mut Scope<Sqlx, Write>,
    mail: &Mail,
    person: &Person,
    id: Uuid,
) -> Result<(), Failure> {
    member::check_owner(person, "owners invite people")?;
    let select = "select email, role from invitations where id = $1 and accepted_at is null for update";
    let invited: Option<(Email, Role)> = sqlx::query_as(select).bind(id).fetch_optional(&mut *scope).await?;
    let (email, role) = invited.ok_or_else(Failure::not_found)?;
    apply(scope, mail, person, &NewInvitation { email, role }).await?;
    Ok(())
}

/// Makes an invitation worthless, for `person`. One that is gone, is gone.
pub(super) async fn withdraw(scope: &mut Scope<Sqlx, Write>, person: &Person, id: Uuid) -> Result<(), Failure> {
    member::check_owner(person, "owners withdraw invitations")?;
    let delete = "delete from invitations where id = $1 and accepted_at is null returning email";
    let email: Option<String> = sqlx::query_scalar(delete).bind(id).fetch_optional(&mut *scope).await?;
    let email = email.ok_or_else(Failure::not_found)?;
    Ok(activity::record(scope, person, "withdrew an invitation", Some(id), &email).await?)
}
