//! Values in the query: B's cursors, B's words as filters, orders that reach for more, and what is no value at all.

use http::StatusCode;

use super::Target;
use crate::ScanError;
use crate::client::{Request, percent_encoded};
use crate::document::Parameter;
use crate::scan::Scan;

const CURSORS: &str = "cursors of another tenant";
const FILTERS: &str = "filters with words of another tenant";
const ORDERS: &str = "orders that reach for more";
const ERRORS: &str = "texts of errors";

const NAMES_OF_CURSORS: &[&str] = &["cursor", "next", "after", "before", "page", "token", "continuation", "starting"];
const NAMES_OF_ORDERS: &[&str] = &["sort", "order"];
const REACHING: &[&str] = &["tenant_id", "-tenant_id", "(select 1)", "id; select 1", "1,2,3", "password_hash"];
const NO_VALUES: &[&str] = &[
    "'",
    "\"",
    "\\",
    "%00",
    "-1",
    "99999999999999999999",
    "''; select 1 --",
    "\u{202e}",
    "[]",
    "{\"$ne\": null}",
    "../../etc/passwd",
];

pub(super) async fn run(scan: &mut Scan, target: &Target<'_>) -> Result<Vec<&'static str>, ScanError> {
    let mut probes = vec![ERRORS];
    if target.operation.is_safe() {
        let parameters: Vec<Parameter> = target.operation.query_parameters().cloned().collect();
        for parameter in &parameters {
            let named = |names: &[&str]| names.iter().any(|name| parameter.name.to_lowercase().contains(name));
            let (probe, how, values) = if named(NAMES_OF_CURSORS) {
                let mut values = scan.b.treasure.under(NAMES_OF_CURSORS);
                values.extend(scan.b.treasure.under(&["id"]).into_iter().take(3));
                (CURSORS, "with the other tenant's cursor", values)
            } else if named(NAMES_OF_ORDERS) {
                (ORDERS, "with an order that reaches for more", REACHING.iter().map(ToString::to_string).collect())
            } else {
                (FILTERS, "with the other tenant's word as a filter", words_of_b(scan))
            };
            for value in values {
                send(scan, target, parameter, &value, probe, how).await?;
            }
            for value in NO_VALUES {
                send(scan, target, parameter, value, ERRORS, "with a value that is none").await?;
            }
            if !probes.contains(&probe) {
                probes.push(probe);
            }
        }
    }
    malformed(scan, target).await?;
    Ok(probes)
}

async fn send(
    scan: &mut Scan,
    target: &Target<'_>,
    parameter: &Parameter,
    value: &str,
    probe: &'static str,
    how: &str,
) -> Result<(), ScanError> {
    let mut request = target.request.clone();
    let separator = if request.path.contains('?') { '&' } else { '?' };
    request.path.push_str(&format!("{separator}{}={}", parameter.name, percent_encoded(value)));
    let a = scan.a.client.clone();
    let answer = scan.attack(&a, &request, target.operation, probe, how).await?;
    if answer.status == StatusCode::INTERNAL_SERVER_ERROR {
        let what = format!("{how}, the operation fails: what it says then nobody has thought of");
        scan.find(target.operation, probe, what, &request, &answer);
    }
    Ok(())
}

/// Ids and bodies that are none, at A's host.
async fn malformed(scan: &mut Scan, target: &Target<'_>) -> Result<(), ScanError> {
    let a = scan.a.client.clone();
    for value in NO_VALUES.iter().take(if target.values.is_empty() { 0 } else { NO_VALUES.len() }) {
        let mut request = target.request.clone();
        for known in &target.values {
            request.path = request.path.replace(&percent_encoded(known), &percent_encoded(value));
        }
        tell_failure(scan, target, &a.clone(), &request).await?;
    }
    if let Some((media, _)) = &target.request.body {
        let nested = format!("{}1{}", "[".repeat(200), "]".repeat(200));
        for body in ["", "{", "null", "[]", "{\"id\": {}}", "\"\\u0000\"", &nested] {
            let request = Request { body: Some((media.clone(), body.to_owned())), ..target.request.clone() };
            tell_failure(scan, target, &a.clone(), &request).await?;
        }
    }
    Ok(())
}

async fn tell_failure(
    scan: &mut Scan,
    target: &Target<'_>,
    client: &crate::client::Client,
    request: &Request,
) -> Result<(), ScanError> {
    let answer = scan.attack(client, request, target.operation, ERRORS, "with what is no value").await?;
    if answer.status == StatusCode::INTERNAL_SERVER_ERROR {
        let what = "with what is no value, the operation fails: what it says then nobody has thought of".to_owned();
        scan.find(target.operation, ERRORS, what, request, &answer);
    }
    Ok(())
}

/// A few of B's canaries, and values it shares with nobody.
fn words_of_b(scan: &Scan) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for (_, body) in &scan.state_of_b {
        for canary in scan.b.words.canaries_in(body) {
            if !words.iter().any(|word| word == canary) {
                words.push(canary.to_owned());
            }
        }
    }
    words.truncate(4);
    words.extend(["%", "_", "*", "' or '1'='1", "' or 1=1 --", &scan.b.words.slug].map(ToOwned::to_owned));
    words
}
