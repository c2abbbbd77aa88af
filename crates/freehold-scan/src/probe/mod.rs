//! The attacks. Each is one question about one operation, with the answers that are findings.

mod bodies;
mod ids;
mod inputs;
mod names;
mod sessions;

use http::Method;

use crate::ScanError;
use crate::client::Request;
use crate::document::Operation;
use crate::report::Probed;
use crate::scan::{Scan, values_for};
use crate::twin::{self, ends_a_session};
use crate::values::{Fill, Words};

/// The twins read their own, one after the other.
pub(crate) const READS: &str = "own reads, in turn";

/// An operation, and how to reach what B has through it.
struct Target<'o> {
    operation: &'o Operation,
    /// With B's ids in its path, and words of A everywhere else.
    request: Request,
    /// What stands in the path of that.
    values: Vec<String>,
}

/// Runs every attack that fits an operation.
pub(crate) async fn run(scan: &mut Scan, operation: &Operation) -> Result<Probed, ScanError> {
    let mut probed = Probed { operation: operation.name(), probes: Vec::new(), not_probed: None };
    if twin::sign_up_of(&scan.document, &scan.recipe).is_ok_and(|sign_up| sign_up == *operation) {
        probed.probes.push(sign_up_again(scan, operation).await?);
        return Ok(probed);
    }
    let Some(values) = values_for(operation, &scan.b) else {
        let names: Vec<_> = operation.path_parameters().map(|parameter| parameter.name.as_str()).collect();
        probed.not_probed = Some(format!("nothing the other tenant was told fits {} in its path", names.join(", ")));
        return Ok(probed);
    };
    // A body that is accepted, so that no check of the form hides what the ids would have done.
    let fill = scan.a.fills.get(&operation.name()).cloned().unwrap_or(Fill::All);
    let request = twin::request(&scan.document, &scan.recipe, operation, &mut scan.a.words, &fill, &values);
    let target = Target { operation, request, values };
    if operation.is_safe() {
        probed.probes.push(READS);
    }
    // A session that ends is of no more use to the attacks that follow.
    let before = scan.a.client.clone();
    probed.probes.extend(sessions::run(scan, &target).await?);
    probed.probes.extend(ids::run(scan, &target).await?);
    probed.probes.extend(names::run(scan, &target).await?);
    probed.probes.extend(inputs::run(scan, &target).await?);
    probed.probes.extend(bodies::run(scan, &target).await?);
    scan.a.client = before;
    if ends_a_session(operation) {
        scan.revive_a().await?;
    }
    Ok(probed)
}

/// Has A write what B wrote, for every operation that creates something, but for those that are not probed.
pub(crate) async fn equals(scan: &mut Scan) -> Result<(), ScanError> {
    for (place, operation) in scan.document.operations.clone().iter().enumerate() {
        if scan.report.operations[place].not_probed.is_some() {
            continue;
        }
        let probe = bodies::equal(scan, operation).await?;
        scan.report.operations[place].probes.extend(probe);
    }
    Ok(())
}

/// Signs up at the base host by B's name: as B with another's password, and as somebody else.
async fn sign_up_again(scan: &mut Scan, operation: &Operation) -> Result<&'static str, ScanError> {
    const PROBE: &str = "sign-up by another tenant's name";
    let base = scan.base.clone();
    let other = Words { email: scan.a.words.email.clone(), ..scan.b.words.clone() };
    let impostor = Words { password: "Another-horse-8".to_owned(), ..scan.b.words.clone() };
    for mut words in [other, impostor] {
        let request = twin::request(&scan.document, &scan.recipe, operation, &mut words, &Fill::All, &[]);
        scan.attack(&base, &request, operation, PROBE, "signing up by its name").await?;
        look_after(scan, &Target { operation, request, values: Vec::new() }, PROBE, "signing up by its name").await?;
    }
    Ok(PROBE)
}

/// Addresses that B was told, such as those of files: A and nobody follow them.
pub(crate) async fn addresses(scan: &mut Scan) -> Result<(), ScanError> {
    const PROBE: &str = "addresses";
    let whole = Operation {
        method: Method::GET,
        path: "(addresses)".to_owned(),
        id: String::new(),
        parameters: Vec::new(),
        body: None,
    };
    for address in scan.b.treasure.addresses(&scan.document) {
        let operation = operation_of(scan, &address).unwrap_or_else(|| whole.clone());
        if scan.recipe.leave.contains_key(&operation.name()) {
            continue;
        }
        let request = Request::get(address);
        let (a, nobody) = (scan.a.client.clone(), scan.b.client.nobody());
        scan.attack(&a, &request, &operation, PROBE, "given an address of the other tenant's").await?;
        scan.attack(&nobody, &request, &operation, PROBE, "given an address of the other tenant's, and no session")
            .await?;
    }
    Ok(())
}

/// The operation whose path an address has.
fn operation_of(scan: &Scan, address: &str) -> Option<Operation> {
    let path = address.split('?').next().unwrap_or_default();
    let fits = |operation: &&Operation| {
        let (wanted, given) = (operation.path.split('/'), path.split('/'));
        operation.is_safe()
            && wanted.clone().count() == given.clone().count()
            && wanted.zip(given).all(|(wanted, given)| wanted.starts_with('{') || wanted == given)
    };
    scan.document.operations.iter().find(fits).cloned()
}

/// Tells when an operation that may change things changed something of B.
async fn look_after(scan: &mut Scan, target: &Target<'_>, probe: &'static str, how: &str) -> Result<(), ScanError> {
    if target.operation.is_safe() {
        return Ok(());
    }
    if let Some(changed) = scan.changes_of_b().await? {
        let what = format!("{how}, something of the other tenant changed: what it reads at {changed}");
        let answer = scan.b.client.send(&Request::get(target.request.path.clone())).await?;
        scan.find(target.operation, probe, what, &target.request, &answer);
    }
    Ok(())
}
