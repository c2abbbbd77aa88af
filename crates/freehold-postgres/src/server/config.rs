//! The configuration of a server, written at each start so that a newer version's defaults arrive.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use super::{ServerError, launch::Launch, state_dir::StateDir};

/// Fit for thousands of schemas, modest in memory, and silent about values.
const DEFAULTS: &[(&str, &str)] = &[
    ("cluster_name", "freehold"),
    ("max_connections", "200"),
    ("shared_buffers", "256MB"),
    // A transaction that creates or drops the schema of a tenant locks each of its tables and indexes.
    ("max_locks_per_transaction", "1024"),
    // No transaction can outlive its session and keep a tenant's rows locked.
    ("max_prepared_transactions", "0"),
    ("wal_level", "logical"),
    ("max_replication_slots", "4"),
    ("max_wal_senders", "4"),
    // One session's sort cannot fill the disk.
    ("temp_file_limit", "1GB"),
    ("password_encryption", "scram-sha-256"),
    ("timezone", "UTC"),
    ("log_timezone", "UTC"),
    ("log_line_prefix", "%m [%p] %q%u@%d "),
    ("log_checkpoints", "off"),
    // Parameters may be secrets, such as the tokens that seal a scope.
    ("log_parameter_max_length", "0"),
    ("log_parameter_max_length_on_error", "0"),
];

/// A crash of the machine may ruin the data.
const NOT_DURABLE: &[(&str, &str)] = &[("fsync", "off"), ("synchronous_commit", "off"), ("full_page_writes", "off")];

/// What the launcher decides itself, by methods of the builder.
const RESERVED: &[&str] = &[
    "config_file",
    "data_directory",
    "external_pid_file",
    "hba_file",
    "include",
    "include_dir",
    "include_if_exists",
    "listen_addresses",
    "logging_collector",
    "port",
    "unix_socket_directories",
    "unix_socket_group",
    "unix_socket_permissions",
];

const HBA: &str = "\
# Written by freehold-postgres at each start; edits are lost.

# The socket is in a directory that only the server's account and root can enter: that is the guard. No password is
# asked for, so a tenant whose SQL changes the password of the role it runs as locks nobody out.
local all all trust
";

const HBA_TCP: &str = "\
# Anyone on this machine reaches the port.
host all all 127.0.0.1/32 scram-sha-256
";

/// Refuses settings that would break the file or the launcher's own.
pub(super) fn check(settings: &[(String, String)]) -> Result<(), ServerError> {
    for (name, value) in settings {
        let invalid = |reason| ServerError::InvalidSetting { name: name.clone(), reason };
        let well_formed = |c: char| c.is_ascii_alphanumeric() || "_.$".contains(c);
        if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') || !name.chars().all(well_formed) {
            return Err(invalid("this is no name of a setting"));
        }
        if RESERVED.contains(&name.to_ascii_lowercase().as_str()) {
            return Err(invalid("the launcher decides this one; use the builder's methods"));
        }
        if value.chars().any(char::is_control) {
            return Err(invalid("its value holds a control character"));
        }
    }
    Ok(())
}

pub(super) fn write(state: &StateDir, launch: &Launch) -> Result<(), ServerError> {
    let hba = if launch.tcp { [HBA, HBA_TCP].concat() } else { HBA.to_owned() };
    let config = render(state, launch);
    for (path, text) in [(state.hba(), hba), (state.config(), config)] {
        write_for_server(&path, &text, launch).map_err(ServerError::io("write", path))?;
    }
    Ok(())
}

fn write_for_server(path: &Path, text: &str, launch: &Launch) -> std::io::Result<()> {
    fs::write(path, text)?;
    launch.account.share(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o640))
}

fn render(state: &StateDir, launch: &Launch) -> String {
    let own = |path: &Path| path.to_string_lossy().into_owned();
    // A list, whose elements take double quotes.
    let socket_dir = format!("\"{}\"", own(&launch.socket_dir(state)).replace('"', "\"\""));
    let fixed = [
        ("hba_file", own(&state.hba())),
        ("port", launch.port.to_string()),
        ("listen_addresses", if launch.tcp { "127.0.0.1" } else { "" }.to_owned()),
        ("unix_socket_directories", socket_dir),
        ("unix_socket_permissions", "0700".to_owned()),
        ("logging_collector", "off".to_owned()),
    ];
    let durability = if launch.durable { &[] } else { NOT_DURABLE };

    let mut text = String::from("# Written by freehold-postgres at each start; edits are lost. Yours go here:\n");
    text.push_str(&format!("include_if_exists = {}\n\n", quote(&own(&state.data().join("postgresql.conf")))));
    let mut line = |name: &str, value: &str| text.push_str(&format!("{name} = {}\n", quote(value)));
    DEFAULTS.iter().chain(durability).for_each(|(name, value)| line(name, value));
    launch.settings.iter().for_each(|(name, value)| line(name, value));
    fixed.iter().for_each(|(name, value)| line(name, value));
    text
}

/// A quoted value of a configuration file, where a backslash begins an escape.
fn quote(value: &str) -> String {
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_leave_its_quotes() {
        assert_eq!(quote(r"it's a \ path"), r"'it''s a \\ path'");
    }

    #[test]
    fn settings_that_the_launcher_decides_are_refused() {
        for name in ["port", "Listen_Addresses", "a = 1\nport", "", "1st"] {
            assert!(check(&[(name.to_owned(), "1".to_owned())]).is_err(), "{name:?} was accepted");
        }
        assert!(check(&[("work_mem".to_owned(), "a\nport = 1".to_owned())]).is_err());
        assert!(check(&[("freehold.setting".to_owned(), "it's".to_owned())]).is_ok());
    }
}
