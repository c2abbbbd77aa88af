//! The files that an organisation's pages refer to. Their addresses say what is in them, so browsers keep them for good.

use axum::Router;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};

use super::{Colour, Look, Theme};
use crate::app::App;
use crate::failure::Failure;
use crate::web::Stranger;

const FOR_GOOD: &str = "public, max-age=31536000, immutable";

/// The files. The login is shown with them, so nobody needs to be logged in.
pub(crate) fn files() -> Router<App> {
    Router::new().route("/brand/{file}", get(brand)).route("/logo/{file}", get(logo))
}

/// The style sheet of a colour, any colour: it knows of no organisation.
async fn brand(file: Result<Path<String>, PathRejection>) -> Result<Response, Failure> {
    let file = named(file)?;
    let digits = file.strip_suffix(".css").filter(|digits| digits.len() == 6).ok_or_else(Failure::not_found)?;
    let colour = Colour::try_from(digits.to_owned()).map_err(|_| Failure::not_found())?;
    Ok(([(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, FOR_GOOD)], sheet(colour)).into_response())
}

/// The name of the file. One that is no text is the address of nothing.
fn named(file: Result<Path<String>, PathRejection>) -> Result<String, Failure> {
    file.map(|Path(file)| file).map_err(|_| Failure::not_found())
}

fn sheet(colour: Colour) -> String {
    let light = properties(Theme::LIGHT.look(colour));
    let dark = properties(Theme::DARK.look(colour));
    format!(":root{{{light}}}\n@media (prefers-color-scheme:dark){{:root{{{dark}}}}}\n")
}

fn properties(look: Look) -> String {
    let Look { accent, accent_strong, button, button_strong, on_button } = look;
    format!(
        "--accent:{accent};--accent-strong:{accent_strong};--button:{button};--button-strong:{button_strong};--on-accent:{on_button}"
    )
}

/// The logo of this digest, if it is this organisation's.
async fn logo(stranger: Stranger, file: Result<Path<String>, PathRejection>) -> Result<Response, Failure> {
    let (file, mut digest) = (named(file)?, [0; 32]);
    let digits = file.strip_suffix(".png").ok_or_else(Failure::not_found)?;
    hex::decode_to_slice(digits, &mut digest).map_err(|_| Failure::not_found())?;
    let select = sqlx::query_scalar("select logo from organisation where logo_digest = $1").bind(digest);
    let logo: Option<Vec<u8>> = select.fetch_optional(&mut stranger.db.read()).await?;
    let logo = logo.ok_or_else(Failure::not_found)?;
    Ok(([(CONTENT_TYPE, "image/png"), (CACHE_CONTROL, FOR_GOOD)], logo).into_response())
}
