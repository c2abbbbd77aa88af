//! B's host, with A's session and with none.

use super::{Target, look_after};
use crate::ScanError;
use crate::scan::Scan;

const FOREIGN: &str = "session of another tenant";
const NONE: &str = "no session";

pub(super) async fn run(scan: &mut Scan, target: &Target<'_>) -> Result<Vec<&'static str>, ScanError> {
    let a = scan.a.client.clone();
    let own = if target.operation.is_safe() { Some(a.send(&target.request).await?) } else { None };
    let nobody = scan.b.client.nobody();
    let without = scan.attack(&nobody, &target.request, target.operation, NONE, "without a session").await?;
    // What is the same for everybody is no tenant's.
    let is_of_b = scan.is_of_b(&target.request.path, &without.body) && own.is_some_and(|own| own.body != without.body);
    if without.status.is_success() && is_of_b {
        let what = "without a session, the answer is what only this tenant is to read".to_owned();
        scan.find(target.operation, NONE, what, &target.request, &without);
    }
    look_after(scan, target, NONE, "without a session").await?;

    let eve = scan.b.client.with_credentials_of(&scan.a.client);
    let foreign =
        scan.attack(&eve, &target.request, target.operation, FOREIGN, "with another tenant's session").await?;
    // What everybody may do is let through for everybody, and a session that is not asked for opens nothing.
    if foreign.status.is_success() && !without.status.is_success() {
        let what = "another tenant's session is let in at this tenant's host".to_owned();
        scan.find(target.operation, FOREIGN, what, &target.request, &foreign);
    }
    look_after(scan, target, FOREIGN, "with another tenant's session").await?;
    Ok(vec![NONE, FOREIGN])
}
