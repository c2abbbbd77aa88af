use tokio_postgres::{Client, Transaction};

use crate::ControlError;

pub(super) const ROLES: &str = include_str!("../../sql/cluster/roles.sql");
const HARDENED: &str = include_str!("../../sql/data/hardened.sql");

/// A schema of ours: where it notes its version, and the scripts that lead to each version.
struct Schema {
    name: &'static str,
    scripts: &'static [(i32, &'static str)],
}

const CATALOG: Schema = Schema { name: "catalog", scripts: &[(1, include_str!("../../sql/catalog/0001_catalog.sql"))] };
const DATA: Schema = Schema {
    name: "freehold",
    scripts: &[
        (1, include_str!("../../sql/data/0001_freehold.sql")),
        (1, include_str!("../../sql/data/0002_tables.sql")),
    ],
};

/// The version of the catalog that this program works with.
pub(crate) const CATALOG_VERSION: i32 = CATALOG.newest();

pub(super) async fn install_catalog(catalog: &mut Client) -> Result<(), ControlError> {
    let failed = ControlError::doing("installing the catalog");
    let transaction = catalog.transaction().await.map_err(&failed)?;
    CATALOG.upgrade(&transaction).await?;
    transaction.commit().await.map_err(&failed)
}

/// Schema `freehold`, and what the administrator's rights allow to close.
pub(super) async fn install_data(data: &mut Client) -> Result<(), ControlError> {
    let failed = ControlError::doing("installing schema freehold");
    let transaction = data.transaction().await.map_err(&failed)?;
    DATA.upgrade(&transaction).await?;
    let superuser = transaction
        .query_one("select rolsuper from pg_roles where rolname = current_user", &[])
        .await
        .map_err(&failed)?;
    if superuser.get(0) {
        transaction.batch_execute(HARDENED).await.map_err(&failed)?;
        let note = "update freehold.installation set profile = 'hardened' where profile <> 'hardened'";
        transaction.batch_execute(note).await.map_err(&failed)?;
    }
    transaction.batch_execute("select freehold.note_interpreters()").await.map_err(&failed)?;
    transaction.commit().await.map_err(&failed)
}

impl Schema {
    const fn newest(&self) -> i32 {
        self.scripts[self.scripts.len() - 1].0
    }

    /// Runs the scripts of every version that the database does not have.
    async fn upgrade(&self, database: &Transaction<'_>) -> Result<(), ControlError> {
        let failed = ControlError::doing("installing a schema of Freehold");
        let installation = format!("{}.installation", self.name);
        let installed =
            database.query_one("select to_regclass($1) is not null", &[&installation]).await.map_err(&failed)?;
        let mut version = 0;
        if installed.get(0) {
            let row = database
                .query_one(&format!("select schema_version from {installation}"), &[])
                .await
                .map_err(&failed)?;
            version = row.get(0);
        } else {
            refuse_occupied(database).await?;
        }
        for (_, script) in self.scripts.iter().filter(|(leads_to, _)| *leads_to > version) {
            database.batch_execute(script).await.map_err(&failed)?;
        }
        let newest = self.newest();
        let note = format!("update {installation} set schema_version = {newest} where schema_version < {newest}");
        database.batch_execute(&note).await.map_err(&failed)
    }
}

/// We close a database to everybody else, so it must be ours alone. What extensions brought is nobody's.
async fn refuse_occupied(database: &Transaction<'_>) -> Result<(), ControlError> {
    let occupied = database
        .query_opt(
            "select current_database()::text from pg_class c join pg_namespace n on n.oid = c.relnamespace \
             where n.nspname <> 'information_schema' and n.nspname not like 'pg\\_%' \
               and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e') \
             limit 1",
            &[],
        )
        .await
        .map_err(ControlError::doing("looking into a database"))?;
    occupied.map_or(Ok(()), |row| Err(ControlError::Occupied { database: row.get(0) }))
}
