use axum::extract::State;
use freehold::Problem;
use http::StatusCode;

use crate::app::App;
use crate::failure::Failure;
use crate::openapi::ProblemBody;

/// Whether a sign-up is taken now: the catalog answers. That a worker is there to fulfil it does not show there; without one
/// the sign-up itself answers 503, and can be repeated.
#[utoipa::path(
    get, path = "/healthz", tag = "sign-up",
    responses((status = 200, description = "Sign-ups are taken"), (status = 503, description = "They are not", body = ProblemBody)),
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
