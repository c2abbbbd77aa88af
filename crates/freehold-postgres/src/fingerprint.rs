//! A short, stable name for a path.

use std::{os::unix::ffi::OsStrExt, path::Path};

/// 64-bit FNV-1a of `path` in hexadecimal.
///
/// Directories on disk are named by it, so it must stay the same over releases, which the standard library's hasher
/// does not promise.
pub(crate) fn fingerprint(path: &Path) -> String {
    let hash = path
        .as_os_str()
        .as_bytes()
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_the_published_fnv_1a_value() {
        assert_eq!(fingerprint(Path::new("foobar")), "85944171f73967e8");
    }
}
