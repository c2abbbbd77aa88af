use tokio_postgres::Client;

use super::Report;
use crate::ControlError;

/// Vulnerabilities that touch row-level security, and the first minor of PostgreSQL 15, 16, 17 and 18 without each.
const FIXED: &[(&str, [i32; 4])] = &[
    ("CVE-2026-14666", [19, 15, 11, 6]),
    ("CVE-2025-8713", [14, 10, 6, 0]),
    ("CVE-2024-10976", [9, 5, 1, 0]),
    ("CVE-2024-10978", [9, 5, 1, 0]),
    ("CVE-2023-39418", [4, 0, 0, 0]),
    ("CVE-2023-2455", [3, 0, 0, 0]),
];
/// The major version that the first column of [`FIXED`] is for.
const OLDEST: i32 = 15;

/// The server's version, and what its roles are and were made.
pub(super) async fn examine(client: &Client, subject: &str, report: &mut Report) -> Result<(), ControlError> {
    let failed = ControlError::doing("examining a server");
    let row = client
        .query_one("select current_setting('server_version_num')::integer, current_setting('server_version')", &[])
        .await
        .map_err(&failed)?;
    let (number, version): (i32, String) = (row.get(0), row.get(1));
    match vulnerabilities(number) {
        found if found.is_empty() => report.good(subject, format!("PostgreSQL {version}")),
        found => report.warn(
            subject,
            format!("PostgreSQL {version} has vulnerabilities that touch row-level security: {}", found.join(", ")),
            "upgrade to the newest minor version of the server",
        ),
    }
    let bypasses = client
        .query_one("select rolbypassrls or rolsuper from pg_roles where rolname = current_user", &[])
        .await
        .map_err(&failed)?;
    if !bypasses.get::<_, bool>(0) {
        report.warn(
            subject,
            "freehold_control has no BYPASSRLS, so backfills fail, and tenants of the shared model cannot be erased",
            "as an administrator who may: alter role freehold_control bypassrls",
        );
    }
    let quiet = client
        .query_one("select has_parameter_privilege('session_replication_role', 'set')", &[])
        .await
        .map_err(&failed)?;
    if !quiet.get::<_, bool>(0) {
        report.warn(
            subject,
            "the triggers of tenant tables run while a tenant of the shared model is erased; one that writes can keep it from ending",
            "as a superuser: grant set on parameter session_replication_role to freehold_control",
        );
    }
    examine_settings(client, subject, report).await
}

/// Settings of roles that were not there when Freehold set them up: a login may alter itself.
async fn examine_settings(client: &Client, subject: &str, report: &mut Report) -> Result<(), ControlError> {
    let rows = client
        .query(
            "select r.rolname::text, coalesce(' in database ' || d.datname, ''), split_part(s.setting, '=', 1) \
             from pg_db_role_setting c join pg_roles r on r.oid = c.setrole left join pg_database d on d.oid = c.setdatabase \
             cross join lateral unnest(c.setconfig) as s(setting) \
             where r.rolname in ('freehold_owner', 'freehold_seal', 'freehold_app', 'freehold_tenant', 'freehold_control', 'freehold_reader') \
                or pg_has_role(r.oid, 'freehold_tenant', 'member') and not r.rolsuper \
             order by 1, 2, 3",
            &[],
        )
        .await
        .map_err(ControlError::doing("reading the settings of roles"))?;
    for row in &rows {
        let (role, place, setting): (String, String, String) = (row.get(0), row.get(1), row.get(2));
        report.warn(
            subject,
            format!("role {role} has a setting of its own: {setting}"),
            format!("alter role {role}{place} reset {setting}"),
        );
    }
    Ok(())
}

/// Databases and logins named like a placement that the catalog does not have, or dropped: a worker that slept through its
/// lease can leave one.
pub(super) async fn find_orphans(
    catalog: &Client,
    client: &Client,
    cluster: &str,
    subject: &str,
    report: &mut Report,
) -> Result<(), ControlError> {
    let failed = ControlError::doing("comparing databases and logins");
    let here = client
        .query(
            "select name::text from (select datname from pg_database union select rolname from pg_roles) as here(name) \
             where name ~ '^t_[a-z2-7]{16}$' order by 1",
            &[],
        )
        .await
        .map_err(&failed)?;
    let here: Vec<String> = here.iter().map(|row| row.get(0)).collect();
    let orphans = catalog
        .query(
            "select name from unnest($1::text[]) as here(name) \
             where not exists (select from catalog.placements p where p.id = name and p.cluster = $2 and p.dropped_at is null)",
            &[&here, &cluster],
        )
        .await
        .map_err(&failed)?;
    for row in &orphans {
        let id: &str = row.get(0);
        report.warn(
            subject,
            format!("a database or login {id} belongs to no tenant"),
            format!("look what is in it, then: drop database if exists {id} with (force); drop role if exists {id}"),
        );
    }
    Ok(())
}

fn vulnerabilities(version_number: i32) -> Vec<&'static str> {
    let (major, minor) = (version_number / 10_000, version_number % 10_000);
    let column = usize::try_from(major - OLDEST).unwrap_or_default();
    let is_open = |fixed: &[i32; 4]| fixed.get(column).is_some_and(|first| minor < *first);
    FIXED.iter().filter(|(_, fixed)| is_open(fixed)).map(|(name, _)| *name).collect()
}

#[cfg(test)]
mod tests {
    use super::vulnerabilities;

    #[test]
    fn a_minor_version_has_the_vulnerabilities_that_later_ones_fixed() {
        assert_eq!(vulnerabilities(150_002).len(), 6);
        assert_eq!(vulnerabilities(150_014), ["CVE-2026-14666"]);
        assert_eq!(vulnerabilities(170_000).len(), 4);
        assert_eq!(vulnerabilities(180_005), ["CVE-2026-14666"]);
        for patched in [150_019, 160_015, 170_011, 180_006, 190_000] {
            assert!(vulnerabilities(patched).is_empty(), "{patched}");
        }
    }
}
