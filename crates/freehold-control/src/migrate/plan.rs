use std::path::PathBuf;

use freehold::tenant::PlacementId;
use tokio_postgres::Client;

use super::DATABASE;
use crate::ControlError;
use crate::migrations::{Migration, Migrations};

/// What a database lacks.
#[derive(Debug, Default)]
pub struct Plan {
    /// The database itself first, then its placements.
    pub pending: Vec<Pending>,
    /// Placements that lack nothing.
    pub current: usize,
}

/// What one placement lacks.
#[derive(Debug)]
pub struct Pending {
    /// The placement; empty for the database itself.
    pub placement: String,
    /// In the order they will be applied.
    pub migrations: Vec<Migration>,
}

pub(super) async fn plan(
    data: &Client,
    migrations: &Migrations,
    only: Option<&PlacementId>,
) -> Result<Plan, ControlError> {
    let only = only.map(PlacementId::as_str);
    refuse_contradictions(data, migrations, only).await?;
    let count = |migrations: &[Migration]| migrations.len() as i64;
    let rows = data
        .query(
            "select p.id, coalesce(array_agg(l.version) filter (where l.version is not null), '{}'), \
                    count(l.version) < case p.id when '' then $2::bigint else $3::bigint end as lacks \
             from (select '' as id union all select id from freehold.placements) p \
             left join freehold.ledger l on l.placement = p.id \
             where $1::text is null or p.id in ('', $1) group by p.id order by p.id",
            &[&only, &count(&migrations.shared), &count(&migrations.tenant)],
        )
        .await
        .map_err(ControlError::doing("reading the ledger"))?;
    let mut plan = Plan::default();
    for row in &rows {
        let placement: String = row.get(0);
        if row.get(2) {
            let applied: Vec<i32> = row.get(1);
            let wanted = migrations.of(&placement).iter();
            let missing = wanted.filter(|migration| !applied.contains(&migration.version)).cloned().collect();
            plan.pending.push(Pending { placement, migrations: missing });
        } else if placement != DATABASE {
            plan.current += 1;
        }
    }
    Ok(plan)
}

/// What the ledger has must be here, and unchanged. Many placements have the same migrations, so each is looked at once.
async fn refuse_contradictions(data: &Client, migrations: &Migrations, only: Option<&str>) -> Result<(), ControlError> {
    let rows = data
        .query(
            "select distinct on (1, 2, 4) case placement when '' then '' else 'a placement' end, version, name, checksum \
             from freehold.ledger where $1::text is null or placement in ('', $1)",
            &[&only],
        )
        .await
        .map_err(ControlError::doing("reading the ledger"))?;
    for row in &rows {
        let (placement, version, name, checksum): (&str, i32, &str, &str) =
            (row.get(0), row.get(1), row.get(2), row.get(3));
        let problem = match migrations.of(placement).iter().find(|migration| migration.version == version) {
            Some(migration) if migration.checksum == checksum => continue,
            Some(migration) if migration.name == name => {
                "was changed after it was applied: restore it, and put the change into a new migration".to_owned()
            }
            Some(migration) => {
                format!("was applied, and {} has its number now: renumber the new one", migration.file_name())
            }
            None => "was applied, and is missing here: restore it, or get the newer checkout that has it".to_owned(),
        };
        let directory = if placement == DATABASE { "shared" } else { "tenant" };
        let path = PathBuf::from("migrations").join(directory).join(format!("{version:04}_{name}.sql"));
        return Err(ControlError::InvalidMigration { path, problem });
    }
    Ok(())
}
