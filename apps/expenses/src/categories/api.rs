use axum::Json;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use utoipa::ToSchema;
use uuid::Uuid;

use super::change;
use crate::failure::Failure;
use crate::input::{Body, Id};
use crate::openapi::ProblemBody;
use crate::session::Visitor;
use crate::settings::owners_alone;
use crate::text::Text;

#[derive(Debug, Serialize, FromRow, ToSchema)]
pub(crate) struct Category {
    id: Uuid,
    name: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Categories {
    items: Vec<Category>,
}

#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NewCategory {
    #[schema(min_length = 1)]
    name: Text,
}

pub(super) const OWNERS: &str = "owners rename and delete categories";

/// The categories by name.
#[utoipa::path(
    get, path = "/api/categories", tag = "categories",
    responses((status = 200, body = Categories), (status = 401, description = "Nobody is logged in", body = ProblemBody)),
)]
pub(crate) async fn list(visitor: Visitor) -> Result<Json<Categories>, Failure> {
    let (mut scope, _) = visitor.read().await?;
    let items = sqlx::query_as("select id, name from categories order by name, id").fetch_all(&mut scope).await?;
    Ok(Json(Categories { items }))
}

/// Adds a category. An expense that names a new one adds it too.
#[utoipa::path(
    post, path = "/api/categories", tag = "categories", request_body = NewCategory,
    responses(
        (status = 201, body = Category),
        (status = 401, description = "Nobody is logged in", body = ProblemBody),
        (status = 409, description = "The category is there already", body = ProblemBody),
        (status = 422, description = "The name is missing or empty", body = ProblemBody),
    ),
)]
pub(crate) async fn create(
    visitor: Visitor,
    Body(new): Body<NewCategory>,
) -> Result<(StatusCode, Json<Category>), Failure> {
    let (mut scope, person) = visitor.write().await?;
    let id = change::add(&mut scope, &person, &new.name).await?;
    scope.commit().await?;
    Ok((StatusCode::CREATED, Json(Category { id, name: new.name.as_str().to_owned() })))
}

/// Renames a category, for all its expenses. Owners do.
#[utoipa::path(
    patch, path = "/api/categories/{id}", tag = "categories", params(("id" = Uuid, Path)), request_body = NewCategory,
    responses(
        (status = 200, body = Category),
        (status = 401, description = "Nobody is logged in", body = ProblemBody),
        (status = 403, description = "The person is no owner", body = ProblemBody),
        (status = 404, description = "The organisation has no such category", body = ProblemBody),
        (status = 409, description = "Another category has the name", body = ProblemBody),
        (status = 422, description = "The name is missing or empty", body = ProblemBody),
    ),
)]
pub(crate) async fn rename(
    visitor: Visitor,
    Id(id): Id,
    Body(new): Body<NewCategory>,
) -> Result<Json<Category>, Failure> {
    let (mut scope, person) = visitor.write().await?;
    owners_alone(&person, OWNERS)?;
    change::rename(&mut scope, &person, id, &new.name).await?;
    scope.commit().await?;
    Ok(Json(Category { id, name: new.name.as_str().to_owned() }))
}

/// Deletes a category. Its expenses keep none; rules and budgets for it are deleted with it. Owners do.
#[utoipa::path(
    delete, path = "/api/categories/{id}", tag = "categories", params(("id" = Uuid, Path)),
    responses(
        (status = 204, description = "It is gone"),
        (status = 401, description = "Nobody is logged in", body = ProblemBody),
        (status = 403, description = "The person is no owner", body = ProblemBody),
        (status = 404, description = "The organisation has no such category", body = ProblemBody),
    ),
)]
pub(crate) async fn delete(visitor: Visitor, Id(id): Id) -> Result<StatusCode, Failure> {
    let (mut scope, person) = visitor.write_within(change::DELETION).await?;
    owners_alone(&person, OWNERS)?;
    change::delete(&mut scope, &person, id).await?;
    scope.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
