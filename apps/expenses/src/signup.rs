//! A new organisation, and its owner.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use freehold::isolation::Sqlx;
use freehold::tenant::{Model, Slug, Tenant};
use freehold::{Freehold, NewTenant, Problem, ProvisionError};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::App;
use crate::failure::Failure;
use crate::input::Body;
use crate::openapi::ProblemBody;
use crate::people::{Email, NewPassword, Passwords};
use crate::text::Text;

/// How long a sign-up waits for the worker. Creating a database takes the longest: less than a second on a quiet server.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct SignUp {
    /// The name people read, of at most 200 characters.
    organisation: Text,
    /// The name in the address: a DNS label.
    #[schema(min_length = 1, max_length = 63, example = "acme")]
    slug: String,
    email: Email,
    password: NewPassword,
    /// Where the organisation's rows are to live.
    #[serde(default)]
    #[schema(pattern = "^(shared|schema|database)$", default = "shared")]
    model: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SignedUp {
    tenant: NewOrganisation,
}

#[derive(Debug, Serialize, ToSchema)]
struct NewOrganisation {
    id: Uuid,
    slug: String,
    model: &'static str,
    url: String,
}

/// Creates an organisation and its owner, and answers when the owner can log in.
///
/// Repeat a sign-up that was cut off, with the same slug, address and password: it goes on where it was, and answers the
/// same once it is done. With any other address or password the slug is taken.
#[utoipa::path(
    post, path = "/api/signup", tag = "sign-up", request_body = SignUp,
    responses(
        (status = 201, body = SignedUp),
        (status = 409, description = "The slug is taken", body = ProblemBody),
        (status = 422, description = "A value is missing or wrong", body = ProblemBody),
        (status = 503, description = "Not done in time: repeat the same request", body = ProblemBody),
    ),
)]
pub(crate) async fn sign_up(
    State(app): State<App>,
    Body(form): Body<SignUp>,
) -> Result<(StatusCode, Json<SignedUp>), Failure> {
    let new = new_tenant(&form, &app.passwords).await?;
    let tenant = provision(&app.freehold, &new).await?;
    ensure_owner(&app, &tenant, &form).await?;
    let model = tenant.model().unwrap_or(new.model);
    let slug = tenant.slug();
    let tenant = NewOrganisation {
        id: tenant.id().into(),
        slug: slug.to_string(),
        model: model.as_str(),
        url: app.origin.of(slug),
    };
    Ok((StatusCode::CREATED, Json(SignedUp { tenant })))
}

async fn new_tenant(form: &SignUp, passwords: &Passwords) -> Result<NewTenant, Failure> {
    let slug: Slug = form.slug.parse().map_err(|error| Failure::invalid(format!("{error}")))?;
    let model = match form.model.as_deref() {
        None => Model::Shared,
        Some(model) => model.parse().map_err(|error| Failure::invalid(format!("{error}")))?,
    };
    let name = form.organisation.as_str();
    if !(1..=200).contains(&name.chars().count()) {
        return Err(Failure::invalid("organisation: use 1 to 200 characters"));
    }
    if name.contains(char::is_control) {
        return Err(Failure::invalid("organisation: leave out line breaks and other control characters"));
    }
    let key = idempotency_key(&slug, form, passwords).await?;
    let requested_by = form.email.as_str().to_owned();
    Ok(NewTenant { slug, name: name.to_owned(), model, idempotency_key: key, requested_by })
}

/// What makes two sign-ups the same one. The password is part of it, slowly hashed: whoever knows slug and address of a
/// sign-up that was cut off must not be able to complete it as their own.
async fn idempotency_key(slug: &Slug, form: &SignUp, passwords: &Passwords) -> Result<String, Failure> {
    let purpose = Sha256::digest(format!("expenses sign-up\n{slug}\n{}", form.email.as_str()));
    let key = passwords.derive(form.password.secret(), purpose.to_vec()).await?;
    Ok(format!("signup:{}", hex::encode(key)))
}

async fn provision(freehold: &Freehold, new: &NewTenant) -> Result<Arc<Tenant>, Failure> {
    freehold.provision(new, PATIENCE).await.map_err(|error| match error {
        ProvisionError::SlugTaken { slug } | ProvisionError::NotActive { slug, .. } => taken(&slug),
        error => {
            tracing::error!(error = &error as &dyn std::error::Error, "a sign-up was not completed");
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not_provisioned")
                .detail("the organisation is not set up yet: repeat the same request")
                .retry_after(5)
                .into()
        }
    })
}

/// Writes the organisation's row and its owner, or finds them written by an earlier run of the same sign-up.
async fn ensure_owner(app: &App, tenant: &Arc<Tenant>, form: &SignUp) -> Result<(), Failure> {
    let db = app.freehold.tenant_db::<Sqlx>(tenant);
    let hash = app.passwords.hash(form.password.secret()).await?;
    let mut scope = db.write();
    // The first to write this row writes the owner; whoever comes at the same time waits here, and finds both.
    let organisation = sqlx::query("insert into organisation default values on conflict (tenant_id) do nothing");
    if organisation.execute(&mut scope).await?.rows_affected() == 1 {
        sqlx::query("insert into people (id, email, password_hash, role) values ($1, $2, $3, 'owner')")
            .bind(Uuid::now_v7())
            .bind(&form.email)
            .bind(hash)
            .execute(&mut scope)
            .await?;
        return Ok(scope.commit().await?);
    }
    let stored: Option<String> =
        sqlx::query_scalar("select password_hash from people where email = $1 and role = 'owner'")
            .bind(&form.email)
            .fetch_optional(&mut scope)
            .await?;
    drop(scope);
    // The password may have changed since.
    if app.passwords.verify(form.password.secret(), stored).await? { Ok(()) } else { Err(taken(tenant.slug())) }
}

fn taken(slug: &Slug) -> Failure {
    let detail = format!("the slug {slug} is taken: choose another");
    Problem::new(StatusCode::CONFLICT, "slug_taken").detail(detail).into()
}
