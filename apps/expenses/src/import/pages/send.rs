use axum::extract::State;
use axum::extract::multipart::{Multipart, MultipartRejection};
use axum::response::Response;
use freehold::Problem;
use http::{HeaderMap, StatusCode};
use tokio::time::timeout;
use uuid::Uuid;

use super::list;
use crate::app::App;
use crate::failure::Failure;
use crate::import::body::{REMAINDER, STANDSTILL, Upload, stood_still};
use crate::import::importing::{self, Begun, File, Importing};
use crate::import::upload::{length, to_the_end};
use crate::input::Id;
use crate::text::{is_control, trim};
use crate::web::{Browser, to};

/// The longest name of a file that is kept, in characters.
const LONGEST_NAME: usize = 255;

/// Imports the file of a form. The address has the id that the import will have, so that a form that is sent again, by
/// the back button too, leads to what became of the first.
pub(super) async fn send(
    browser: Result<Browser, Failure>,
    State(app): State<App>,
    Id(id): Id,
    headers: HeaderMap,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Response, Failure> {
    let mut form = form.map_err(|_| Failure::invalid("the form is broken: open it again"))?;
    let (browser, refused) = to_the_end(async move {
        let received = async {
            let browser = browser?;
            let refused = receive(&browser, &app, id, length(&headers), &mut form).await?;
            Ok((browser, refused))
        };
        let received = received.await;
        let _ = timeout(REMAINDER, forget(&mut form)).await;
        received
    })
    .await?;
    match refused {
        None => to(&format!("/imports/{id}"), None),
        Some(problem) => list::refusing(&browser, problem.status(), problem.detail_text().unwrap_or_default()).await,
    }
}

/// Imports the file of the form. Once an import of it is on record, its page says what became of it, whatever that is; a
/// problem is returned if there is none.
async fn receive(
    browser: &Browser,
    app: &App,
    id: Uuid,
    length: Option<u64>,
    form: &mut Multipart,
) -> Result<Option<Problem>, Failure> {
    let importer = importing::check(browser.visitor()).await?;
    let Ok(field) = timeout(STANDSTILL, form.next_field()).await else { return Err(stood_still()) };
    let field = match field {
        Ok(Some(field)) if field.file_name().is_some_and(|name| !name.is_empty()) => field,
        // Browsers send an empty file without a name if none was chosen.
        Ok(_) => return Ok(Some(refusal("choose a file first"))),
        Err(_) => return Ok(Some(refusal("the upload broke off: send the file again"))),
    };
    let file = File { id, name: kept_name(field.file_name().unwrap_or_default()), length };
    let begun = Importing::begin(browser.visitor(), &importer, app.imports.clone(), &file);
    let mut importing = match begun.await {
        Ok(Begun::Importing(importing)) => importing,
        Ok(Begun::Before) => return Ok(None),
        Err(Failure::Refused(problem)) => return Ok(Some(problem)),
        Err(failure) => return Err(failure),
    };
    let filled = async { importing.fill(Upload::of_file(field).await?).await };
    let filled = match filled.await {
        Ok(()) => timeout(STANDSTILL, no_other_file(form)).await.unwrap_or_else(|_| Err(stood_still())),
        Err(failure) => Err(failure),
    };
    match importing.end(filled).await {
        Ok(_) | Err(Failure::Refused(_)) => Ok(None),
        Err(failure) => Err(failure),
    }
}

async fn no_other_file(form: &mut Multipart) -> Result<(), Failure> {
    loop {
        match form.next_field().await {
            Ok(None) => return Ok(()),
            Ok(Some(field)) if field.file_name().is_none_or(str::is_empty) => {}
            Ok(Some(_)) => {
                return Err(refusal("more than one file was sent: send one at a time; nothing was imported").into());
            }
            Err(_) => return Err(refusal("the upload broke off: nothing was imported").into()),
        }
    }
}

/// Reads the rest of the form: a client that is still sending would not see the answer otherwise.
async fn forget(form: &mut Multipart) {
    while let Ok(Some(mut field)) = form.next_field().await {
        while let Ok(Some(_)) = field.chunk().await {}
    }
}

/// The name of the file as it is kept: without the folders some clients put in front, and without what no name has.
fn kept_name(name: &str) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = name.chars().filter(|character| !is_control(*character)).take(LONGEST_NAME).collect();
    trim(&name).to_owned()
}

fn refusal(words: &'static str) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid").detail(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_kept_without_folders_and_controls_and_cut() {
        for (name, kept) in [
            ("leeds.csv", "leeds.csv"),
            ("C:\\files\\مرحبا 🎈.csv", "مرحبا 🎈.csv"),
            ("../../etc/passwd", "passwd"),
            (" a\0b\r\n ", "ab"),
            ("\u{202e}vsc.exe", "vsc.exe"),
            ("/", ""),
        ] {
            assert_eq!(kept_name(name), kept, "{name:?}");
        }
        assert_eq!(kept_name(&"é".repeat(300)).chars().count(), LONGEST_NAME);
    }
}
