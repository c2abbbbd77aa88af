use axum::Json;
use freehold::isolation::{Access, Scope, Sqlx, TenantDb, Write};
use freehold::resolve::PresentedKey;
use http::StatusCode;
use serde::Serialize;
use sqlx::FromRow;
use utoipa::ToSchema;
use uuid::Uuid;

use super::scope::KeyScope;
use crate::activity;
use crate::failure::Failure;
use crate::input::Id;
use crate::openapi::ProblemBody;
use crate::session::{Person, Visitor};

/// A key, without what is secret of it.
#[derive(Debug, Serialize, FromRow, ToSchema)]
pub(crate) struct Key {
    pub(super) id: Uuid,
    pub(super) name: String,
    pub(super) scope: KeyScope,
    /// `YYYY-MM-DD`, as the others; `null` if it has no end.
    pub(super) expires_on: Option<String>,
    pub(super) created_on: String,
    /// `null` if it was never used.
    pub(super) last_used_on: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Keys {
    items: Vec<Key>,
}

/// The keys of whoever asks.
#[utoipa::path(
    get, path = "/api/keys", tag = "keys",
    responses((status = 200, body = Keys), (status = 401, description = "Nobody is logged in", body = ProblemBody)),
)]
pub(crate) async fn list(visitor: Visitor) -> Result<Json<Keys>, Failure> {
    let (mut scope, person) = visitor.read().await?;
    Ok(Json(Keys { items: of(&mut scope, &person).await? }))
}

/// A person's keys that are good, the latest first.
pub(super) async fn of<A: Access>(scope: &mut Scope<Sqlx, A>, person: &Person) -> Result<Vec<Key>, sqlx::Error> {
    sqlx::query_as(
        "select id, name, scope, to_char(expires_at at time zone 'UTC', 'YYYY-MM-DD') as expires_on, \
         to_char(created_at at time zone 'UTC', 'YYYY-MM-DD') as created_on, \
         to_char(last_used_at at time zone 'UTC', 'YYYY-MM-DD') as last_used_on \
         from api_keys where person_id = $1 and not is_login and (expires_at is null or expires_at > now()) order by id desc",
    )
    .bind(person.id)
    .fetch_all(scope)
    .await
}

/// Revokes a key of whoever asks. Nothing is let in with it from then on.
#[utoipa::path(
    delete, path = "/api/keys/{id}", tag = "keys", params(("id" = Uuid, Path)),
    responses(
        (status = 204, description = "It is gone"),
        (status = 401, description = "Nobody is logged in", body = ProblemBody),
        (status = 404, description = "The person has no such key", body = ProblemBody),
    ),
)]
pub(crate) async fn revoke(visitor: Visitor, Id(id): Id) -> Result<StatusCode, Failure> {
    let (mut scope, person) = visitor.write().await?;
    if !remove(&mut scope, &person, id).await? {
        return Err(Failure::not_found());
    }
    scope.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes a person's key, if they have it.
pub(super) async fn remove(scope: &mut Scope<Sqlx, Write>, person: &Person, id: Uuid) -> Result<bool, sqlx::Error> {
    let delete = "delete from api_keys where id = $1 and person_id = $2 returning name";
    let name: Option<String> = sqlx::query_scalar(delete).bind(id).bind(person.id).fetch_optional(&mut *scope).await?;
    let Some(name) = name else { return Ok(false) };
    activity::record(scope, person, "revoked a key", Some(id), &name).await?;
    Ok(true)
}

/// Removes the key that a request came with.
pub(crate) async fn revoke_presented(scope: &mut Scope<Sqlx, Write>, key: &PresentedKey) -> Result<(), sqlx::Error> {
    let delete = sqlx::query("delete from api_keys where digest = $1").bind(key.digest().as_bytes());
    delete.execute(scope).await.map(drop)
}

/// Removes the keys that this person had for a password.
pub(crate) async fn end_logins(scope: &mut Scope<Sqlx, Write>, person: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query("delete from api_keys where person_id = $1 and is_login").bind(person).execute(scope).await.map(drop)
}

/// Notes that a key was used, beside the request: a request that only reads does not wait for it, nor fail with it.
pub(crate) fn note_use(db: TenantDb<Sqlx>, key: PresentedKey) {
    tokio::spawn(async move {
        let mut scope = db.write();
        let update = "update api_keys set last_used_at = now() \
                      where digest = $1 and (last_used_at is null or last_used_at < now() - interval '1 minute')";
        let noted = sqlx::query(update).bind(key.digest().as_bytes()).execute(&mut scope).await;
        let noted = match noted {
            Ok(_) => scope.commit().await,
            Err(error) => Err(error.into()),
        };
        if let Err(error) = noted {
            // A tenant that may only read is one reason.
            tracing::debug!(error = &error as &dyn std::error::Error, "the use of a key was not noted");
        }
    });
}
