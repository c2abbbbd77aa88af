use axum::Json;
use axum::extract::State;
use freehold::Problem;
use freehold::gate::CurrentTenant;
use freehold::isolation::{Scope, Sqlx, TenantDb, Write};
use freehold::resolve::ApiKey;
use freehold::tenant::TenantId;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::scope::KeyScope;
use crate::activity;
use crate::failure::Failure;
use crate::input::Body;
use crate::openapi::ProblemBody;
use crate::people::Email;
use crate::session::{Credentials, Door, Person, Visitor};
use crate::text::{Text, is_control};

/// How long a key that was had for a password is good.
const HOURS: i32 = 12;
/// How long a key may be good.
const MOST_DAYS: i32 = 3_650;

/// A key to be.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NewKey {
    /// What it is for, in at most 100 characters.
    pub(super) name: Text,
    pub(super) scope: KeyScope,
    /// How many days it is good; without it, until it is revoked.
    #[schema(minimum = 1, maximum = 3650)]
    pub(super) days: Option<i32>,
}

/// A key, which is shown this once.
#[derive(Serialize, ToSchema)]
pub(crate) struct MadeKey {
    pub(super) id: Uuid,
    /// For `Authorization: Bearer`.
    pub(super) key: String,
}

impl std::fmt::Debug for MadeKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MadeKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Makes a key that acts for whoever makes it.
#[utoipa::path(
    post, path = "/api/keys", tag = "keys", request_body = NewKey,
    responses(
        (status = 201, body = MadeKey),
        (status = 401, description = "Nobody is logged in", body = ProblemBody),
        (status = 403, description = "A key that reaches further than the one that asks", body = ProblemBody),
        (status = 422, description = "A value is missing or wrong", body = ProblemBody),
    ),
)]
pub(crate) async fn create(
    visitor: Visitor,
    CurrentTenant(tenant): CurrentTenant,
    Body(new): Body<NewKey>,
) -> Result<(StatusCode, Json<MadeKey>), Failure> {
    if let Some((field, words)) = faults(&new).into_iter().next() {
        return Err(Failure::invalid(format!("{field}: {words}")));
    }
    let (mut scope, person) = visitor.write().await?;
    let made = make(&mut scope, tenant.id(), &person, &new).await?;
    scope.commit().await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// What is wrong with the fields, beyond each being what its type says.
pub(super) fn faults(new: &NewKey) -> Vec<(&'static str, String)> {
    let mut faults = Vec::new();
    let name = new.name.as_str();
    if !(1..=100).contains(&name.chars().count()) || name.contains(is_control) {
        faults.push(("name", "use 1 to 100 characters, without line breaks".to_owned()));
    }
    if new.days.is_some_and(|days| !(1..=MOST_DAYS).contains(&days)) {
        faults.push(("days", format!("use 1 to {MOST_DAYS}, or leave it out")));
    }
    faults
}

/// Makes a key for a person. Who came with a key, to the API or to a page, gets none that reaches further.
pub(super) async fn make(
    scope: &mut Scope<Sqlx, Write>,
    tenant: TenantId,
    person: &Person,
    new: &NewKey,
) -> Result<MadeKey, Failure> {
    if person.reach.is_some_and(|reach| new.scope > reach) {
        return Err(Failure::forbidden("a key makes no key that reaches further than itself"));
    }
    let hours = new.days.map(|days| days * 24);
    let made = insert(scope, tenant, person.id, new.name.as_str(), new.scope, hours, false).await?;
    activity::record(scope, person, "made a key", Some(made.id), new.name.as_str()).await?;
    Ok(made)
}

async fn insert(
    scope: &mut Scope<Sqlx, Write>,
    tenant: TenantId,
    person: Uuid,
    name: &str,
    reach: KeyScope,
    hours: Option<i32>,
    is_login: bool,
) -> Result<MadeKey, Failure> {
    let key: ApiKey = super::form().map_err(|error| Failure::internal(&error))?.generate(tenant);
    let id = Uuid::now_v7();
    sqlx::query(
        "insert into api_keys (id, person_id, name, digest, scope, expires_at, is_login) \
         values ($1, $2, $3, $4, $5, now() + make_interval(hours => $6), $7)",
    )
    .bind(id)
    .bind(person)
    .bind(name)
    .bind(key.digest().as_bytes())
    .bind(reach)
    .bind(hours)
    .bind(is_login)
    .execute(scope)
    .await?;
    Ok(MadeKey { id, key: key.expose_secret().to_owned() })
}

/// Who asks for a key with a password.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct Exchange {
    email: Email,
    #[schema(value_type = String, format = Password)]
    password: secrecy::SecretString,
}

/// Logs in without a cookie, for a front end on another origin: answers with a key that is good for twelve hours, or until
/// `POST /api/logout` is sent with it.
#[utoipa::path(
    post, path = "/api/tokens", tag = "session", request_body = Exchange,
    responses(
        (status = 201, body = MadeKey),
        (status = 401, description = "Wrong address or password", body = ProblemBody),
        (status = 422, description = "A value is missing or wrong", body = ProblemBody),
        (status = 429, description = "Too many attempts for this address", body = ProblemBody),
    ),
)]
pub(crate) async fn exchange(
    db: TenantDb<Sqlx>,
    CurrentTenant(tenant): CurrentTenant,
    State(door): State<Door>,
    Body(Exchange { email, password }): Body<Exchange>,
) -> Result<(StatusCode, Json<MadeKey>), Failure> {
    let Some(person) = door.recognise(&tenant, &db, &Credentials { email, password }).await? else {
        let detail = "the e-mail address or the password is wrong";
        return Err(Problem::new(StatusCode::UNAUTHORIZED, "wrong_credentials").detail(detail).into());
    };
    let mut scope = db.write();
    sqlx::query("delete from api_keys where person_id = $1 and expires_at <= now()")
        .bind(person)
        .execute(&mut scope)
        .await?;
    let made = insert(&mut scope, tenant.id(), person, "login", KeyScope::Manage, Some(HOURS), true).await?;
    scope.commit().await?;
    Ok((StatusCode::CREATED, Json(made)))
}
