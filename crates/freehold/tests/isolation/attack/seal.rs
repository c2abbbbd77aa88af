use freehold_testing::{Twin, Twins};
use uuid::Uuid;

/// Seals tokens with the database's real key, which no attacker has: to see each field of a genuine token being checked.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) tenant: Uuid,
    pub(super) placement: String,
    pub(super) epoch: i64,
    pub(super) mode: &'static str,
    pub(super) generation: i32,
    pub(super) pid: String,
    /// Seconds from now.
    pub(super) life: i64,
}

impl Token {
    /// What the library would mint for a twin, but good for an hour and on every connection.
    pub(super) async fn of(twins: &Twins, twin: &Twin) -> Self {
        let id = *twin.tenant.id().as_uuid();
        let row = twins
            .truth(twin)
            .await
            .query_one("select placement, epoch from freehold.residents where tenant = $1", &[&id])
            .await
            .unwrap();
        Self {
            tenant: id,
            placement: row.get(0),
            epoch: row.get(1),
            mode: "w",
            generation: 1,
            pid: String::new(),
            life: 3_600,
        }
    }

    /// Seals it for the database that `twin` lives in.
    pub(super) async fn seal(&self, twins: &Twins, twin: &Twin) -> String {
        let Self { tenant, placement, epoch, mode, generation, pid, life } = self;
        let fields = format!("{tenant}|{placement}|{epoch}|{mode}|{generation}|{pid}|");
        let sealed = twins
            .truth(twin)
            .await
            .query_one(
                "select m || '|' || encode(sha256(k.outer_pad || sha256(k.inner_pad || convert_to(m, 'UTF8'))), 'hex')
                 from freehold.seal_keys k, (select $1 || floor(date_part('epoch', now()) + $2)::bigint as m) s
                 where k.generation = 1",
                &[&fields, &(*life as f64)],
            )
            .await
            .unwrap();
        sealed.get(0)
    }
}
