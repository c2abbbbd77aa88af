//! Categories: what expenses are for.

use axum::Json;
use freehold::Problem;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::failure::Failure;
use crate::input::Body;
use crate::names::CATEGORIES;
use crate::openapi::ProblemBody;
use crate::session::Visitor;
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
    name: Text,
}

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
    let name = new.name.as_str().to_owned();
    if name.is_empty() {
        return Err(Failure::invalid("name: a category needs one"));
    }
    let (mut scope, _) = visitor.write().await?;
    let Some(id) = CATEGORIES.add_new(&mut scope, &name).await? else {
        return Err(Problem::new(StatusCode::CONFLICT, "category_exists")
            .detail("the category is there already")
            .into());
    };
    scope.commit().await?;
    Ok((StatusCode::CREATED, Json(Category { id, name })))
}
