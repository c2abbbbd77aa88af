//! The operating-system account that servers run as.

use std::{
    fs, io,
    os::unix::{
        fs::{MetadataExt, lchown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::Command,
};

use nix::unistd::{User, getegid, geteuid};

/// The account of the server's processes: the caller's own, or an unprivileged one when the caller is root, because
/// PostgreSQL refuses to run as root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    name: String,
    uid: u32,
    gid: u32,
    /// Whether a child must change to this account, which only root can do.
    switch: bool,
}

impl Account {
    pub(crate) fn for_servers() -> Self {
        if !geteuid().is_root() {
            let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
            return Self { name: format!("uid {uid}"), uid, gid, switch: false };
        }
        ["postgres", "nobody"].into_iter().find_map(|name| User::from_name(name).ok().flatten()).map_or_else(
            Self::overflow,
            |user| Self { name: user.name, uid: user.uid.as_raw(), gid: user.gid.as_raw(), switch: true },
        )
    }

    /// The account for data that are there already: their owner, who stays the same when a package that is installed
    /// later brings an account `postgres`.
    pub(crate) fn for_data(data: &Path) -> Self {
        let usual = Self::for_servers();
        match fs::symlink_metadata(data) {
            Ok(metadata) if usual.switch && metadata.uid() != 0 => {
                Self { name: format!("uid {}", metadata.uid()), uid: metadata.uid(), gid: metadata.gid(), switch: true }
            }
            _ => usual,
        }
    }

    /// The numbers that every Unix keeps for "nobody", for images whose passwd file has no such line.
    fn overflow() -> Self {
        Self { name: "nobody".to_owned(), uid: 65534, gid: 65534, switch: true }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn uid(&self) -> u32 {
        self.uid
    }

    /// Whether we are root, and servers therefore run as someone else.
    pub(crate) fn is_switched(&self) -> bool {
        self.switch
    }

    /// A command that runs as this account, away from the caller's directory, terminal signals and `PG*` variables.
    ///
    /// The standard library clears root's supplementary groups together with the uid.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir("/").process_group(0).env("LC_ALL", "C");
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with("PG")) {
                command.env_remove(name);
            }
        }
        if self.switch {
            command.uid(self.uid).gid(self.gid);
        }
        command
    }

    /// Gives `path` to this account; a symbolic link is not followed.
    pub(crate) fn own(&self, path: &Path) -> io::Result<()> {
        if self.switch { lchown(path, Some(self.uid), Some(self.gid)) } else { Ok(()) }
    }

    /// Lets this account's group have `path`, which stays ours.
    pub(crate) fn share(&self, path: &Path) -> io::Result<()> {
        if self.switch { lchown(path, None, Some(self.gid)) } else { Ok(()) }
    }

    /// The first existing directory on the way down to and including `path` that this account cannot enter.
    ///
    /// Reads the permission bits alone: access control lists that widen them are not seen.
    pub(crate) fn barrier(&self, path: &Path) -> Option<PathBuf> {
        if !self.switch {
            return None;
        }
        let mut way: Vec<_> = path.ancestors().collect();
        way.reverse();
        way.into_iter()
            .map_while(|directory| fs::metadata(directory).ok().map(|metadata| (directory, metadata)))
            .find(|(_, metadata)| !self.may_enter(metadata))
            .map(|(directory, _)| directory.to_owned())
    }

    fn may_enter(&self, metadata: &fs::Metadata) -> bool {
        let bit = if metadata.uid() == self.uid {
            0o100
        } else if metadata.gid() == self.gid {
            0o010
        } else {
            0o001
        };
        metadata.mode() & bit != 0
    }
}
