use tokio_postgres::Client;

use super::Report;
use crate::ControlError;

const CATALOG: &str = "the catalog";

/// Operations that failed, that nobody takes, and that a worker left behind.
pub(super) async fn examine(catalog: &Client, report: &mut Report) -> Result<(), ControlError> {
    let failed = ControlError::doing("reading the operations");
    let version = catalog.query_one("select schema_version from catalog.hello", &[]).await.map_err(&failed)?;
    report.good(CATALOG, format!("schema version {}", version.get::<_, i32>(0)));
    let rows = catalog
        .query(
            "select o.kind, t.slug, o.state, coalesce(o.last_error, 'no reason was noted'), \
                    case when o.state = 'failed' then 'failed' \
                         when o.state = 'running' and o.lease_until < now() - interval '1 minute' then 'left' \
                         else 'waiting' end \
             from catalog.operations o join catalog.tenants t on t.id = o.tenant \
             where o.state = 'failed' \
                or o.state = 'running' and o.lease_until < now() - interval '1 minute' \
                or o.state = 'pending' and o.not_before < now() - interval '1 minute' \
             order by o.requested_at",
            &[],
        )
        .await
        .map_err(&failed)?;
    for row in &rows {
        let (kind, slug, reason): (&str, &str, &str) = (row.get(0), row.get(1), row.get(3));
        let subject = format!("operation {kind} of tenant {slug}");
        match row.get(4) {
            "failed" => report.bad(&subject, format!("it failed for good: {reason}"), again(kind, slug)),
            "left" => report.bad(
                &subject,
                "the worker that had it went silent",
                "run `freehold serve worker`: it goes on where that one stopped",
            ),
            _ => report.bad(
                &subject,
                "nobody takes it, though it has been due for more than a minute",
                "run `freehold serve worker`",
            ),
        }
    }
    Ok(())
}

fn again(kind: &str, slug: &str) -> String {
    match kind {
        "delete" => format!("mend the cause, then `freehold tenant delete {slug}` tries again"),
        _ => "mend the cause, then ask for the tenant again with the same key".to_owned(),
    }
}
