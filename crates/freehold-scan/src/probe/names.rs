//! Requests at A's host that name B elsewhere: in headers, cookies and the query.

use http::HeaderName;
use http::header::{COOKIE, FORWARDED, HOST};

use super::Target;
use crate::ScanError;
use crate::client::{Answer, Request, percent_encoded};
use crate::scan::Scan;

const HEADERS: &str = "headers that name another tenant";
const QUERY: &str = "a query that names another tenant";

const NAMES_OF_HOSTS: &[&str] =
    &["x-forwarded-host", "x-original-host", "x-host", "x-forwarded-server", "x-original-url", "origin", "referer"];
const NAMES_OF_TENANTS: &[&str] = &[
    "x-tenant",
    "x-tenant-id",
    "x-tenant-slug",
    "tenant",
    "tenant-id",
    "x-org",
    "x-org-id",
    "x-organization-id",
    "x-account-id",
    "x-workspace-id",
    "__tenant",
];
const PARAMETERS: &[&str] =
    &["tenant", "tenant_id", "tenantId", "org", "org_id", "organization_id", "account_id", "workspace_id", "host"];

pub(super) async fn run(scan: &mut Scan, target: &Target<'_>) -> Result<Vec<&'static str>, ScanError> {
    // What changes things is tried with bodies that name B.
    if !target.operation.is_safe() {
        return Ok(Vec::new());
    }
    let a = scan.a.client.clone();
    let host = scan.b.client.host.clone();
    let ids = names_of_b(scan);
    let mut requests = Vec::new();
    for name in NAMES_OF_HOSTS {
        requests.push(with_header(&target.request, HeaderName::from_static(name), host.clone()));
    }
    requests.push(with_header(&target.request, FORWARDED, format!("host={host}")));
    requests.push(with_header(&target.request, HOST, host.clone()));
    for id in &ids {
        for name in NAMES_OF_TENANTS {
            requests.push(with_header(&target.request, HeaderName::from_static(name), id.clone()));
        }
    }
    let own = a.send(&target.request).await?;
    for request in &requests {
        let answer =
            scan.attack(&a, request, target.operation, HEADERS, "with a header that names the other tenant").await?;
        tell_exchange(scan, target, HEADERS, request, &answer, &own);
    }
    let cookies: Vec<_> = ids.iter().map(|id| format!("tenant={id}; tenant_id={id}")).collect();
    for cookie in cookies {
        let request = with_header(&target.request, COOKIE, cookie);
        scan.attack(&a.nobody(), &request, target.operation, HEADERS, "with a cookie that names the other tenant")
            .await?;
    }
    for id in &ids {
        let mut request = target.request.clone();
        for name in PARAMETERS {
            let separator = if request.path.contains('?') { '&' } else { '?' };
            request.path.push_str(&format!("{separator}{name}={}", percent_encoded(id)));
        }
        let answer =
            scan.attack(&a, &request, target.operation, QUERY, "with a query that names the other tenant").await?;
        tell_exchange(scan, target, QUERY, &request, &answer, &own);
    }
    Ok(vec![HEADERS, QUERY])
}

/// An answer without a word of B's can be B's all the same: its numbers.
fn tell_exchange(
    scan: &mut Scan,
    target: &Target<'_>,
    probe: &'static str,
    request: &Request,
    answer: &Answer,
    own: &Answer,
) {
    if answer.body != own.body && scan.is_of_b(&target.request.path, &answer.body) {
        let what = "the answer is the other tenant's, where the own is another".to_owned();
        scan.find(target.operation, probe, what, request, answer);
    }
}

fn with_header(request: &Request, name: HeaderName, value: String) -> Request {
    let mut request = request.clone();
    request.headers.push((name, value));
    request
}

/// What B is called: its slug, and the id it was told it has.
pub(super) fn names_of_b(scan: &Scan) -> Vec<String> {
    let mut names = vec![scan.b.words.slug.clone()];
    names.extend(
        ["tenant_id", "tenant", "organization_id", "organisation_id", "org_id"]
            .iter()
            .find_map(|key| scan.b.treasure.exactly(key)),
    );
    names
}
