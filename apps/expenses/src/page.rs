//! Pages that show how to use the API, until there is a web interface.

use axum::extract::State;
use axum::response::Html;
use freehold::gate::CurrentTenant;

use crate::app::App;

/// The page at the base host.
pub(crate) async fn front(State(app): State<App>) -> Html<String> {
    let origin = app.origin.to_string();
    let acme = "acme".parse().map(|slug| app.origin.of(&slug)).unwrap_or_default();
    Html(include_str!("page/front.html").replace("{origin}", &escaped(&origin)).replace("{acme}", &escaped(&acme)))
}

/// The page of an organisation.
pub(crate) async fn organisation(State(app): State<App>, CurrentTenant(tenant): CurrentTenant) -> Html<String> {
    let origin = app.origin.of(tenant.slug());
    // The name comes last: it is the organisation's own text, and must not be looked through for places to fill.
    let page = include_str!("page/organisation.html").replace("{origin}", &escaped(&origin));
    Html(page.replace("{name}", &escaped(tenant.name())))
}

/// Text that stays text in HTML, also in an attribute.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_become_markup() {
        assert_eq!(escaped("<b onclick='x' id=\"y\">&"), "&lt;b onclick=&#39;x&#39; id=&quot;y&quot;&gt;&amp;");
    }
}
