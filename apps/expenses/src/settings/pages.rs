use askama::Template;
use axum::Router;
use axum::body::Body;

use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use freehold::isolation::{Access, Scope, Sqlx};
use http::HeaderMap;

use super::currency::Currency;
use super::section::{Section, owners_alone};
use super::store;
use crate::app::App;
use crate::branding::{self, Colour, InvalidLogo, Look, Theme};
use crate::failure::Failure;
use crate::text::{Text, is_control};
use crate::web::{Browser, Form, Frame, Notice, Page, Place, Query, SmallUpload, Unread, forget, to};

/// The pages, and what their forms are sent to.
pub(crate) fn pages() -> Router<App> {
    Router::new()
        .route("/settings", get(show).post(rename))
        .route("/settings/colour", get(preview).post(recolour))
        .route("/settings/logo", post(upload_logo))
        .route("/settings/logo/remove", post(remove_logo))
}

#[derive(Template)]
#[template(path = "settings/organisation.html")]
struct Settings {
    frame: Frame,
    form: Form,
    has_expenses: bool,
    preview: Preview,
}

impl Settings {
    const PLACE: Place = Place::Settings;
    const SECTION: Section = Section::Organisation;

    /// The form, with what was sent and what is wrong with it in the place of what is set.
    async fn of<A: Access>(mut scope: Scope<Sqlx, A>, frame: Frame, mut form: Form) -> Result<Self, Failure> {
        let colour = frame.organisation.colour.clone().unwrap_or_default();
        for (name, value) in [
            ("name", frame.organisation.name.clone()),
            ("currency", frame.organisation.currency.clone()),
            ("colour", colour.clone()),
            ("shown", colour),
        ] {
            if !form.has_field(name) {
                form.set(name, value);
            }
        }
        let preview = Preview::of(&mut form);
        let has_expenses = store::has_expenses(&mut scope).await?;
        Ok(Self { frame, form, has_expenses, preview })
    }
}

/// How a colour would look, in both themes.
#[derive(Template)]
#[template(path = "settings/preview.html")]
struct Preview {
    /// What the picker shows.
    colour: Colour,
    themes: [(&'static str, Theme, Look); 2],
    /// Why it is not taken.
    fault: Option<String>,
}

impl Preview {
    /// The colour that the form has, or the one that is shown if it has none.
    fn of(form: &mut Form) -> Self {
        let (colour, fault) = match chosen(form) {
            Ok(colour) => (colour.unwrap_or(branding::USUAL), None),
            Err(fault) => {
                let typed = Colour::try_from(form.value("colour").to_owned());
                (typed.unwrap_or(branding::USUAL), Some(fault))
            }
        };
        let themes = [("Light", Theme::LIGHT), ("Dark", Theme::DARK)];
        Self { colour, themes: themes.map(|(name, theme)| (name, theme, theme.look(colour))), fault }
    }
}

/// The colour that was typed or picked; none for the usual one.
///
/// Both fields are always sent. What was typed counts if it is not what was shown, and the picker otherwise.
fn chosen(form: &Form) -> Result<Option<Colour>, String> {
    let (typed, shown) = (form.value("colour").trim(), form.value("shown"));
    let usual = branding::USUAL.to_string();
    let was_picked = if shown.is_empty() { usual.as_str() } else { shown };
    let picked = Some(form.value("picked")).filter(|picked| !picked.is_empty() && *picked != was_picked);
    let text = if typed == shown { picked.unwrap_or(typed) } else { typed };
    if text.is_empty() {
        return Ok(None);
    }
    let colour = Colour::try_from(text.to_owned()).map_err(|error| error.to_string())?;
    branding::check(colour).map(Some).map_err(|error| error.to_string())
}

const OWNERS: &str = "owners change the settings";

/// What is set.
async fn show(browser: Browser, query: Query) -> Result<Response, Failure> {
    let (scope, frame) = browser.read().await?;
    owners_alone(&frame.person, OWNERS)?;
    Ok(Page::of(Settings::of(scope, frame, colour_of(&query)).await?).into_response())
}

/// The colour that the address asks to look at.
fn colour_of(query: &Query) -> Form {
    let fields = ["colour", "picked", "shown"].into_iter().filter(|name| query.has_field(name));
    Form::of(fields.map(|name| (name, query.value(name).to_owned())))
}

/// How a colour would look: the part of the page alone if a script asks.
async fn preview(browser: Browser, query: Query) -> Result<Response, Failure> {
    let (scope, frame) = browser.read().await?;
    owners_alone(&frame.person, OWNERS)?;
    let mut form = colour_of(&query);
    if browser.wants_part() {
        return Ok(Page::of(Preview::of(&mut form)).into_response());
    }
    Ok(Page::of(Settings::of(scope, frame, form).await?).into_response())
}

/// Changes name and currency.
async fn rename(browser: Browser, mut form: Form) -> Result<Response, Failure> {
    let (mut scope, frame) = browser.write().await?;
    owners_alone(&frame.person, OWNERS)?;
    let (name, currency) = (name(&mut form), currency(&mut form, &frame));
    if let (Some(name), Some(currency)) = (name, currency) {
        match store::rename(&mut scope, &frame.person, name.as_str(), currency).await {
            Ok(()) => {
                scope.commit().await?;
                return to("/settings", Notice::Saved);
            }
            Err(Failure::Refused(problem)) if problem.code() == store::BUSY => {
                form.refuse("name", problem.detail_text().unwrap_or_default());
            }
            Err(Failure::Refused(problem)) => form.refuse("currency", problem.detail_text().unwrap_or_default()),
            Err(failure) => return Err(failure),
        }
    }
    Ok(Page::refusing(Settings::of(scope, frame, form).await?).into_response())
}

fn name(form: &mut Form) -> Option<Text> {
    let name = form.read::<Text>("name")?;
    if !(1..=200).contains(&name.as_str().chars().count()) {
        form.refuse("name", "use 1 to 200 characters");
    } else if name.as_str().contains(is_control) {
        form.refuse("name", "leave out line breaks and other control characters");
    }
    form.fault("name").is_none().then_some(name)
}

/// A page on which the currency is fixed does not send it.
fn currency(form: &mut Form, frame: &Frame) -> Option<Currency> {
    if !form.has_field("currency") {
        form.set("currency", frame.organisation.currency.clone());
    }
    form.read("currency")
}

/// Changes the colour.
async fn recolour(browser: Browser, mut form: Form) -> Result<Response, Failure> {
    let (mut scope, frame) = browser.write().await?;
    owners_alone(&frame.person, OWNERS)?;
    match chosen(&form) {
        Ok(colour) => match store::recolour(&mut scope, &frame.person, colour).await {
            Ok(()) => {
                scope.commit().await?;
                return to("/settings", Notice::Saved);
            }
            Err(Failure::Refused(problem)) => form.refuse("colour", problem.detail_text().unwrap_or_default()),
            Err(failure) => return Err(failure),
        },
        Err(fault) => form.refuse("colour", fault),
    }
    Ok(Page::refusing(Settings::of(scope, frame, form).await?).into_response())
}

/// Makes a logo of the file that was sent.
async fn upload_logo(browser: Result<Browser, Failure>, headers: HeaderMap, body: Body) -> Result<Response, Failure> {
    let browser = match allowed(browser).await {
        Ok(browser) => browser,
        Err(failure) => {
            forget(body.into_data_stream()).await;
            return Err(failure);
        }
    };
    let refusal = match read_logo(&headers, body).await? {
        Ok(logo) => {
            let (mut scope, frame) = browser.write().await?;
            owners_alone(&frame.person, OWNERS)?;
            match store::set_logo(&mut scope, &frame.person, &logo).await {
                Ok(()) => {
                    scope.commit().await?;
                    return to("/settings", Notice::Saved);
                }
                Err(Failure::Refused(problem)) => problem.detail_text().unwrap_or_default().to_owned(),
                Err(failure) => return Err(failure),
            }
        }
        Err(invalid) => invalid.to_string(),
    };
    let (scope, frame) = browser.read().await?;
    let mut form = Form::default();
    form.refuse("logo", refusal);
    Ok(Page::refusing(Settings::of(scope, frame, form).await?).into_response())
}

/// Asks before the file is read whether it may be sent at all.
async fn allowed(browser: Result<Browser, Failure>) -> Result<Browser, Failure> {
    let browser = browser?;
    let (_, person) = browser.visitor().read().await?;
    owners_alone(&person, OWNERS)?;
    Ok(browser)
}

/// What the rest of a form takes beside the file.
const AROUND: usize = 16 * 1024;

async fn read_logo(headers: &HeaderMap, body: Body) -> Result<Result<Vec<u8>, InvalidLogo>, Failure> {
    let file = match SmallUpload::read(headers, body, branding::LARGEST + AROUND).await {
        Ok(upload) => upload.field("logo").await,
        Err(unread) => Err(unread),
    };
    match file {
        Ok(file) if file.len() > branding::LARGEST => Ok(Err(InvalidLogo::TooLarge)),
        Ok(file) => branding::made(file.into()).await,
        Err(Unread::TooLarge) => Ok(Err(InvalidLogo::TooLarge)),
        Err(Unread::Failed(failure)) => Err(failure),
    }
}

/// Removes the logo.
async fn remove_logo(browser: Browser) -> Result<Response, Failure> {
    let (mut scope, frame) = browser.write().await?;
    owners_alone(&frame.person, OWNERS)?;
    store::remove_logo(&mut scope, &frame.person).await?;
    scope.commit().await?;
    to("/settings", Notice::LogoRemoved)
}
