use axum::extract::State;
use freehold::Problem;
use http::StatusCode;

use crate::app::App;
use crate::failure::Failure;
use crate::openapi::ProblemBody;

/// Whether a sign-up works now: the catalog answers, and a worker is connected to it.
#[utoipa::path(
    get, path = "/healthz", tag = "sign-up",
    responses((status = 200, description = "Sign-up works"), (status = 503, description = "It does not", body = ProblemBody)),
)]
pub(crate) async fn health(State(app): State<App>) -> Result<StatusCode, Failure> {
    app.freehold.can_provision().await.map(|()| StatusCode::OK).map_err(|error| {
        tracing::warn!(error = &error as &dyn std::error::Error, "sign-up does not work");
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable")
            .detail("nobody can sign up now")
            .retry_after(1)
            .into()
    })
}
