//! What A writes: bodies that name B, that refer to what B has, and that equal what B wrote.

use http::StatusCode;
use serde_json::{Value, json};

use super::names::names_of_b;
use super::{Target, look_after};
use crate::ScanError;
use crate::client::Request;
use crate::document::Operation;
use crate::scan::Scan;

const NAMING: &str = "bodies that name another tenant";
const REFERRING: &str = "bodies that refer to another tenant's things";
const EQUAL: &str = "bodies equal to another tenant's";

const MEMBERS: &[&str] =
    &["tenant", "tenant_id", "tenantId", "organization_id", "organisation_id", "org_id", "account_id", "workspace_id"];

pub(super) async fn run(scan: &mut Scan, target: &Target<'_>) -> Result<Vec<&'static str>, ScanError> {
    let mut probes = Vec::new();
    let body = target.request.body.as_ref().and_then(|(_, body)| serde_json::from_str::<Value>(body).ok());
    if let Some(body) = body.filter(Value::is_object) {
        naming(scan, target, &body).await?;
        probes.push(NAMING);
        if referring(scan, target, &body).await? {
            probes.push(REFERRING);
        }
    }
    Ok(probes)
}

async fn naming(scan: &mut Scan, target: &Target<'_>, body: &Value) -> Result<(), ScanError> {
    let a = scan.a.client.clone();
    for name in names_of_b(scan) {
        let mut body = body.clone();
        for member in MEMBERS {
            body[member] = json!(name);
        }
        let request = with_body(&target.request, &body);
        scan.attack(&a, &request, target.operation, NAMING, "with a body that names the other tenant").await?;
        look_after(scan, target, NAMING, "with a body that names the other tenant").await?;
    }
    Ok(())
}

/// Members that hold an id, with B's in them. It must be as good as one that nothing has.
async fn referring(scan: &mut Scan, target: &Target<'_>, body: &Value) -> Result<bool, ScanError> {
    let a = scan.a.client.clone();
    let members: Vec<String> = body.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect();
    let mut referred = false;
    for member in members.iter().filter(|member| member.to_lowercase().ends_with("id")) {
        let Some(id) = scan.b.treasure.exactly(member) else { continue };
        referred = true;
        let (mut foreign, mut absent) = (body.clone(), body.clone());
        foreign[member] = json!(id);
        absent[member] = json!(uuid::Uuid::new_v4());
        let (foreign, absent) = (with_body(&target.request, &foreign), with_body(&target.request, &absent));
        let answer =
            scan.attack(&a, &foreign, target.operation, REFERRING, "with the other tenant's id in the body").await?;
        let control =
            scan.attack(&a, &absent, target.operation, REFERRING, "with an id nothing has in the body").await?;
        if answer.status != control.status {
            let what = format!(
                "{member} of the other tenant is answered {}, one that does not exist {}",
                answer.status.as_u16(),
                control.status.as_u16()
            );
            scan.find(target.operation, REFERRING, what, &foreign, &answer);
        }
        look_after(scan, target, REFERRING, "with the other tenant's id in the body").await?;
    }
    Ok(referred)
}

/// What B could write, A can write too, word for word: else keys span tenants, and tell what the others have. A has B's words
/// then, so nothing can be told by them any more.
pub(super) async fn equal(scan: &mut Scan, operation: &Operation) -> Result<Option<&'static str>, ScanError> {
    let name = operation.name();
    let written = scan.b.created.iter().find(|(operation, _)| *operation == name).map(|(_, request)| request.clone());
    let Some(request) = written.filter(|_| operation.path_parameters().next().is_none()) else { return Ok(None) };
    let answer = scan.a.client.send(&request).await?;
    scan.report.requests += 1;
    // Credentials of B are nobody's at A, and refused like any others: 401 tells nothing.
    let tells = ![StatusCode::TOO_MANY_REQUESTS, StatusCode::UNAUTHORIZED].contains(&answer.status);
    if !answer.status.is_success() && tells {
        let what = format!(
            "what the other tenant wrote cannot be written here ({}): it tells what the other has",
            answer.status.as_u16()
        );
        scan.find(operation, EQUAL, what, &request, &answer);
    }
    look_after(scan, &Target { operation, request, values: Vec::new() }, EQUAL, "with the other tenant's own words")
        .await?;
    Ok(Some(EQUAL))
}

fn with_body(request: &Request, body: &Value) -> Request {
    let media = request.body.as_ref().map_or("application/json", |(media, _)| media);
    Request { body: Some((media.to_owned(), body.to_string())), ..request.clone() }
}
