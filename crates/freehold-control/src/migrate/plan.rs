use std::collections::BTreeMap;
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

pub(super) async fn plan(data: &Client, migrations: &Migrations, only: Option<&PlacementId>) -> Result<Plan, ControlError> {
    let rows = data
        .query(
            "select p.id, l.version, l.name, l.checksum \
             from (select id from freehold.placements union all select '') p \
             left join freehold.ledger l on l.placement = p.id \
             where $1::text is null or p.id in ('', $1) order by p.id, l.version",
            &[&only.map(PlacementId::as_str)],
        )
        .await
        .map_err(ControlError::doing("reading the ledger"))?;
    let mut applied: BTreeMap<String, Vec<(i32, String, String)>> = BTreeMap::new();
    for row in &rows {
        let ledger = applied.entry(row.get(0)).or_default();
        if let Some(version) = row.get::<_, Option<i32>>(1) {
            ledger.push((version, row.get(2), row.get(3)));
        }
    }
    let mut plan = Plan::default();
    for (placement, ledger) in applied {
        let wanted = if placement == DATABASE { &migrations.shared } else { &migrations.tenant };
        let missing = missing(wanted, &ledger, if placement == DATABASE { "shared" } else { "tenant" })?;
        if missing.is_empty() {
            plan.current += usize::from(placement != DATABASE);
        } else {
            plan.pending.push(Pending { placement, migrations: missing });
        }
    }
    Ok(plan)
}

/// The migrations that the ledger does not have. What it has must be unchanged and known.
fn missing(wanted: &[Migration], ledger: &[(i32, String, String)], directory: &str) -> Result<Vec<Migration>, ControlError> {
    let in_directory = |file: String| PathBuf::from("migrations").join(directory).join(file);
    for (version, name, checksum) in ledger {
        let file = format!("{version:04}_{name}.sql");
        let problem = match wanted.iter().find(|migration| migration.version == *version) {
            Some(migration) if migration.checksum == *checksum => continue,
            Some(migration) if migration.name == *name => {
                "was changed after it was applied: restore it, and put the change into a new migration".to_owned()
            }
            Some(migration) => format!("was applied, and {} has its number now: renumber the new one", migration.file_name()),
            None => "was applied, and is missing here: this checkout is older than the database".to_owned(),
        };
        return Err(ControlError::InvalidMigration { path: in_directory(file), problem });
    }
    let newest = ledger.last().map_or(0, |(version, ..)| *version);
    let missing: Vec<Migration> =
        wanted.iter().filter(|migration| ledger.iter().all(|(version, ..)| version != &migration.version)).cloned().collect();
    match missing.first() {
        Some(first) if first.version < newest => Err(ControlError::InvalidMigration {
            path: in_directory(first.file_name()),
            problem: format!("has a number below {newest:04}, which was applied already: renumber it"),
        }),
        _ => Ok(missing),
    }
}
