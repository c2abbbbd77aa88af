//! Whether placements that have the same migrations are the same.

use std::collections::{BTreeMap, HashMap};

use freehold::login::Login;
use schemars::JsonSchema;
use serde::Serialize;
use tokio_postgres::Client;

use super::{MigrateObserver, Migrator};
use crate::connection::connect;
use crate::{ControlError, ControlPlane};

const SHAPE: &str = include_str!("../../sql/verify/shape.sql");

/// How many placements are looked at in one query.
const AT_A_TIME: usize = 100;

/// What came of comparing placements.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Verification {
    /// Placements that were compared.
    pub compared: usize,
    /// Placements that lack a migration, and were not.
    pub behind: usize,
    /// Placements that are not like most are.
    pub drifted: Vec<Drifted>,
}

/// A placement that is not like the others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Drifted {
    /// The database.
    pub database: String,
    /// The placement.
    pub placement: String,
    /// The tenant that alone lives there.
    pub tenant: Option<String>,
    /// What differs, by object.
    pub differences: Vec<Difference>,
}

/// An object that one placement has otherwise than most.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Difference {
    /// What it is: a relation, column, constraint, index, policy, trigger, grant, routine or type, and its name.
    pub object: String,
    /// As most placements have it; nothing if they do not have it.
    pub expected: Option<String>,
    /// As it is here; nothing if it is missing.
    pub found: Option<String>,
}

/// The objects of a placement, and their definitions.
type Shape = BTreeMap<String, String>;

/// A placement whose shape is known by its digest.
struct Compared {
    server: Login,
    database: String,
    placement: String,
    is_shared: bool,
    digest: String,
}

impl ControlPlane {
    /// Compares the catalogue of each placement with those of the others: two that have the same migrations should be the
    /// same, whatever their models. What most have counts as right.
    ///
    /// # Errors
    ///
    /// When the catalog or a database cannot be read, or the files of migrations contradict each other.
    pub async fn verify_migrations(&self, observer: &dyn MigrateObserver) -> Result<Verification, ControlError> {
        let migrator = self.migrator()?;
        let catalog = self.catalog().await?;
        let (mut all, mut behind) = (Vec::new(), 0);
        for (server, database) in self.databases(&catalog).await? {
            let data = connect(&server.to_database(&database)).await?;
            let (current, lacking) = placements(&migrator, &data).await?;
            behind += lacking;
            observer.places_found(current.len());
            for some in current.chunks(AT_A_TIME) {
                for (placement, is_shared, digest) in digests(&data, some).await? {
                    let (server, database) = (server.clone(), database.clone());
                    all.push(Compared { server, database, placement, is_shared, digest });
                    observer.place_done();
                }
            }
        }
        let mut verification = Verification { compared: all.len(), behind, drifted: Vec::new() };
        let Some(usual) = most_common(&all) else { return Ok(verification) };
        let mut expected = None;
        for one in all.iter().filter(|one| one.digest != usual.digest) {
            let expected = match &expected {
                Some(shape) => shape,
                None => expected.insert(usual.shape().await?),
            };
            verification.drifted.push(Drifted {
                database: one.database.clone(),
                placement: one.placement.clone(),
                tenant: tenant_in(&catalog, &one.placement).await?,
                differences: differences(expected, &one.shape().await?),
            });
        }
        Ok(verification)
    }
}

impl Compared {
    async fn shape(&self) -> Result<Shape, ControlError> {
        let data = connect(&self.server.to_database(&self.database)).await?;
        let rows = data.query(SHAPE, &[&vec![&self.placement]]).await;
        let rows = rows.map_err(ControlError::doing("reading the shape of a placement"))?;
        Ok(rows.iter().map(|row| (row.get(1), row.get(2))).collect())
    }
}

/// The placements of a database that have every migration, and how many have not.
async fn placements(migrator: &Migrator, data: &Client) -> Result<(Vec<String>, usize), ControlError> {
    let pending: Vec<String> =
        migrator.plan(data, None).await?.pending.into_iter().map(|pending| pending.placement).collect();
    let rows = data
        .query("select id from freehold.placements order by id", &[])
        .await
        .map_err(ControlError::doing("listing placements"))?;
    let all: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let (lacking, current): (Vec<_>, Vec<_>) = all.into_iter().partition(|placement| pending.contains(placement));
    Ok((current, lacking.len()))
}

/// One text for each shape: what differs is looked up where they do.
async fn digests(data: &Client, placements: &[String]) -> Result<Vec<(String, bool, String)>, ControlError> {
    let digest = format!(
        "select p.id, p.model = 'shared', md5(coalesce(string_agg(object || e'\\n' || definition, e'\\n' order by object, definition), '')) \
         from freehold.placements p left join ({SHAPE}) s on s.placement = p.id \
         where p.id = any ($1) group by p.id order by p.id"
    );
    let rows = data.query(&digest, &[&placements]).await;
    let rows = rows.map_err(ControlError::doing("reading the shape of placements"))?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect())
}

/// One of those whose shape most have. Of two shapes that are as common it is that of a shared placement.
fn most_common(all: &[Compared]) -> Option<&Compared> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for one in all {
        *counts.entry(&one.digest).or_default() += 1;
    }
    all.iter().max_by_key(|one| (counts[one.digest.as_str()], one.is_shared))
}

fn differences(expected: &Shape, found: &Shape) -> Vec<Difference> {
    let objects = expected.keys().chain(found.keys().filter(|object| !expected.contains_key(*object)));
    let differ = objects.filter(|object| expected.get(*object) != found.get(*object));
    differ
        .map(|object| Difference {
            object: object.clone(),
            expected: expected.get(object).cloned(),
            found: found.get(object).cloned(),
        })
        .collect()
}

async fn tenant_in(catalog: &Client, placement: &str) -> Result<Option<String>, ControlError> {
    catalog
        .query_opt(
            "select t.slug from catalog.tenants t join catalog.placements p on p.id = t.placement \
             where p.id = $1 and p.model <> 'shared'",
            &[&placement],
        )
        .await
        .map(|row| row.map(|row| row.get(0)))
        .map_err(ControlError::doing("naming tenants"))
}
