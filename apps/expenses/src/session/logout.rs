use axum::extract::State;
use http::header::SET_COOKIE;
use http::{HeaderName, HeaderValue, StatusCode};

use super::{Cookies, Visitor};
use crate::failure::Failure;
use crate::openapi::ProblemBody;

/// Ends the session, wherever its cookie is.
#[utoipa::path(
    post, path = "/api/logout", tag = "session",
    responses((status = 204, description = "Logged out"), (status = 401, description = "Nobody is logged in", body = ProblemBody)),
)]
pub(crate) async fn logout(
    visitor: Visitor,
    State(cookies): State<Cookies>,
) -> Result<(StatusCode, [(HeaderName, HeaderValue); 1]), Failure> {
    visitor.leave().await?;
    let cookie = cookies.clear().map_err(|error| Failure::internal(&error))?;
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, cookie)]))
}
