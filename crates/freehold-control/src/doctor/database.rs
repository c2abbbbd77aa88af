use std::collections::BTreeMap;

use freehold::isolation::MasterKey;
use tokio_postgres::{Client, Row};
use uuid::Uuid;

use super::Report;
use crate::{ControlError, seal};

/// What a superuser closes and a service's administrator may not be able to: each with what a tenant's SQL can do with it.
const STAYS_OPEN: &str = include_str!("../../sql/doctor/stays_open.sql");

/// The key of a database, what its privilege profile leaves open, and whether it and the catalog agree on who lives in it.
pub(super) async fn examine(
    catalog: &Client,
    data: &Client,
    name: &str,
    master: &MasterKey,
    subject: &str,
    report: &mut Report,
) -> Result<(), ControlError> {
    match seal::verify(data, master).await {
        Ok(true) => report.good(subject, "sealed with the configured master key"),
        Ok(false) => {
            report.bad(subject, "it has no seal key, so no context for it verifies", "run `freehold seal rotate`")
        }
        Err(error) => report.failed(subject, &error),
    }
    examine_profile(data, subject, report).await?;
    compare_residents(catalog, data, name, subject, report).await?;
    find_orphans(catalog, data, subject, report).await
}

async fn examine_profile(data: &Client, subject: &str, report: &mut Report) -> Result<(), ControlError> {
    let open = data.query(STAYS_OPEN, &[]).await.map_err(ControlError::doing("examining privileges"))?;
    let open: Vec<&str> = open.iter().map(|row| row.get(0)).collect();
    if open.is_empty() {
        report.good(subject, "privilege profile: hardened");
    } else {
        report.warn(
            subject,
            format!("privilege profile: managed; a tenant's SQL can {}", open.join(", ")),
            "run `freehold up` with a superuser's login, where the service gives one",
        );
    }
    Ok(())
}

/// A tenant, as one of the two sides has it.
#[derive(Debug, PartialEq, Eq)]
struct Resident {
    placement: String,
    epoch: i64,
}

fn residents(rows: &[Row]) -> BTreeMap<Uuid, Resident> {
    rows.iter().map(|row| (row.get(0), Resident { placement: row.get(1), epoch: row.get(2) })).collect()
}

async fn compare_residents(
    catalog: &Client,
    data: &Client,
    name: &str,
    subject: &str,
    report: &mut Report,
) -> Result<(), ControlError> {
    let failed = ControlError::doing("comparing the catalog with a database");
    let wanted = catalog
        .query(
            "select t.id, t.placement, t.epoch, t.slug, t.status from catalog.tenants t \
             join catalog.placements p on p.id = t.placement where p.database = $1",
            &[&name],
        )
        .await
        .map_err(&failed)?;
    let found = data.query("select tenant, placement, epoch from freehold.residents", &[]).await.map_err(&failed)?;
    let mut found = residents(&found);
    for row in &wanted {
        let (id, slug, status): (Uuid, &str, &str) = (row.get(0), row.get(3), row.get(4));
        let there = found.remove(&id);
        let expected = Resident { placement: row.get(1), epoch: row.get(2) };
        // Those on their way in or out are on one side only for a while.
        if !["provisioning", "deleting"].contains(&status) && there.as_ref() != Some(&expected) {
            report.bad(
                subject,
                format!("it does not have tenant {slug} as the catalog does, so it refuses the tenant's contexts"),
                format!(
                    "restore the row of freehold.residents: tenant {id}, placement {}, epoch {}",
                    expected.placement, expected.epoch
                ),
            );
        }
    }
    for id in found.keys() {
        // The catalog knows of a tenant before its database does, so one that came since it was read is there now.
        let known = "select from catalog.tenants t join catalog.placements p on p.id = t.placement where t.id = $1 and p.database = $2";
        if catalog.query_opt(known, &[&id, &name]).await.map_err(&failed)?.is_none() {
            report.bad(
                subject,
                format!("it accepts contexts of tenant {id}, which the catalog does not have here"),
                format!("as freehold_control: delete from freehold.residents where tenant = '{id}'"),
            );
        }
    }
    Ok(())
}

/// Placements that the catalog does not know, or dropped: a worker that slept through its lease can leave one.
async fn find_orphans(catalog: &Client, data: &Client, subject: &str, report: &mut Report) -> Result<(), ControlError> {
    let failed = ControlError::doing("comparing placements");
    let here = data.query("select id from freehold.placements order by id", &[]).await.map_err(&failed)?;
    let here: Vec<String> = here.iter().map(|row| row.get(0)).collect();
    let orphans = catalog
        .query(
            "select h.id from unnest($1::text[]) as h(id) \
             where not exists (select from catalog.placements p where p.id = h.id and p.dropped_at is null)",
            &[&here],
        )
        .await
        .map_err(&failed)?;
    for row in &orphans {
        let id: &str = row.get(0);
        report.warn(
            subject,
            format!("placement {id} belongs to no tenant"),
            format!(
                "look what is in it, then: drop schema {id} cascade; delete from freehold.placements where id = '{id}'"
            ),
        );
    }
    Ok(())
}
