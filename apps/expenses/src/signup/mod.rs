//! A new organisation, and its owner.

mod pages;

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use freehold::isolation::Sqlx;
use freehold::tenant::{Model, Slug, Tenant, UnknownModel};
use freehold::{Freehold, NewTenant, Problem, ProvisionError};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::activity::{self, Actor};
use crate::app::App;
use crate::failure::Failure;
use crate::input::Body;
use crate::openapi::ProblemBody;
use crate::people::{self, Email, NewPassword, Passwords};
use crate::text::{Text, is_control};

pub(crate) use pages::pages;

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
    /// The owner's name, of at most 200 characters.
    #[serde(default)]
    name: Text,
    /// Where the organisation's rows are to live.
    #[serde(default)]
    #[schema(pattern = "^(shared|schema|database)$", default = "shared")]
    model: Option<String>,
}

impl SignUp {
    fn model(&self) -> Result<Option<Model>, UnknownModel> {
        self.model.as_deref().map(str::parse).transpose()
    }
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
    let (tenant, _) = found(&app, &form).await?;
    let slug = tenant.slug();
    let tenant = NewOrganisation {
        id: tenant.id().into(),
        slug: slug.to_string(),
        model: tenant.model().map_or("", |model| model.as_str()),
        url: app.origin.of(slug),
    };
    Ok((StatusCode::CREATED, Json(SignedUp { tenant })))
}

/// Founds the organisation: the tenant, its row, its owner. Returns it, and who its owner is.
async fn found(app: &App, form: &SignUp) -> Result<(Arc<Tenant>, Uuid), Failure> {
    let new = new_tenant(form, &app.door.passwords).await?;
    let tenant = provision(&app.freehold, &new).await?;
    let owner = ensure_owner(app, &tenant, form).await?;
    Ok((tenant, owner))
}

async fn new_tenant(form: &SignUp, passwords: &Passwords) -> Result<NewTenant, Failure> {
    if let Some((field, words)) = faults(form).into_iter().next() {
        return Err(Failure::invalid(format!("{field}: {words}")));
    }
    let slug: Slug = form.slug.parse().map_err(|error| Failure::invalid(format!("{error}")))?;
    let model = form.model().map_err(|error| Failure::invalid(format!("{error}")))?.unwrap_or(Model::Shared);
    let key = idempotency_key(&slug, form, passwords).await?;
    let requested_by = form.email.as_str().to_owned();
    Ok(NewTenant { slug, name: form.organisation.as_str().to_owned(), model, idempotency_key: key, requested_by })
}

/// What is wrong with the fields, beyond each being what its type says.
fn faults(form: &SignUp) -> Vec<(&'static str, String)> {
    let mut faults = Vec::new();
    let (organisation, name) = (form.organisation.as_str(), form.name.as_str());
    if !(1..=200).contains(&organisation.chars().count()) {
        faults.push(("organisation", "use 1 to 200 characters".to_owned()));
    }
    if name.chars().count() > 200 {
        faults.push(("name", "use at most 200 characters".to_owned()));
    }
    for (field, text) in [("organisation", organisation), ("name", name)] {
        if text.contains(is_control) {
            faults.push((field, "leave out line breaks and other control characters".to_owned()));
        }
    }
    if let Err(error) = form.slug.parse::<Slug>() {
        faults.push(("slug", error.to_string()));
    }
    if let Err(error) = form.model() {
        faults.push(("model", error.to_string()));
    }
    faults
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
async fn ensure_owner(app: &App, tenant: &Arc<Tenant>, form: &SignUp) -> Result<Uuid, Failure> {
    let db = app.freehold.tenant_db::<Sqlx>(tenant);
    let hash = app.door.passwords.hash(form.password.secret()).await?;
    let mut scope = db.write();
    // The first to write this row writes the owner; whoever comes at the same time waits here, and finds both.
    let organisation = sqlx::query("insert into organisation (name) values ($1) on conflict (tenant_id) do nothing");
    if organisation.bind(form.organisation.as_str()).execute(&mut scope).await?.rows_affected() == 1 {
        let id = Uuid::now_v7();
        sqlx::query("insert into people (id, email, name, password_hash, role) values ($1, $2, $3, $4, 'owner')")
            .bind(id)
            .bind(&form.email)
            .bind(form.name.as_str())
            .bind(hash)
            .execute(&mut scope)
            .await?;
        let owner = Actor { id, called: called(form) };
        activity::record(&mut scope, owner, "signed the organisation up", None, "").await?;
        people::ask_to_confirm(&mut scope, &app.mail, id, &form.email, called(form)).await?;
        app.mail.commit(scope).await?;
        return Ok(id);
    }
    let stored: Option<(Uuid, String)> =
        sqlx::query_as("select id, password_hash from people where email = $1 and role = 'owner'")
            .bind(&form.email)
            .fetch_optional(&mut scope)
            .await?;
    drop(scope);
    let (id, hash) = stored.unzip();
    // The password may have changed since.
    let matches = app.door.passwords.verify(form.password.secret(), hash).await?;
    id.filter(|_| matches).ok_or_else(|| taken(tenant.slug()))
}

fn called(form: &SignUp) -> &str {
    if form.name.as_str().is_empty() { form.email.as_str() } else { form.name.as_str() }
}

fn taken(slug: &Slug) -> Failure {
    let detail = format!("the slug {slug} is taken: choose another");
    Problem::new(StatusCode::CONFLICT, "slug_taken").detail(detail).into()
}
