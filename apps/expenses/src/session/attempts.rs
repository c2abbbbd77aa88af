use std::time::Duration;

use freehold::Problem;
use freehold::tenant::TenantId;
use http::StatusCode;
use moka::ops::compute::Op;
use moka::sync::Cache;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::failure::Failure;
use crate::people::Email;

/// How often a wrong password was tried for an address of an organisation.
///
/// After ten in a row the address rests until nobody has tried for five minutes. Counted in this process: whoever spreads
/// attempts over several has as many times more.
#[derive(Clone, Debug)]
pub(crate) struct Attempts(Cache<Key, u32>);

/// A digest, because an address may be long, and is not to be lying around.
type Key = [u8; 32];

const IN_A_ROW: u32 = 10;
const REST: Duration = Duration::from_secs(5 * 60);
/// Addresses that are remembered: those tried least are forgotten first.
const REMEMBERED: u64 = 100_000;

impl Attempts {
    pub(crate) fn new() -> Self {
        Self(Cache::builder().max_capacity(REMEMBERED).time_to_live(REST).build())
    }

    /// Counts an attempt before it is known to be wrong, so that many at once are as many; or refuses it.
    pub(crate) fn admit(&self, tenant: TenantId, email: &Email) -> Result<(), Failure> {
        let counted = self.0.entry(key(tenant, email)).and_compute_with(|count| {
            let count = count.map_or(0, |count| count.into_value());
            if count < IN_A_ROW { Op::Put(count + 1) } else { Op::Nop }
        });
        if !matches!(counted, moka::ops::compute::CompResult::Unchanged(_)) {
            return Ok(());
        }
        Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_attempts")
            .detail("too many attempts to log in with this address: wait five minutes, or ask for a new password")
            .retry_after(REST.as_secs() as u32)
            .into())
    }

    /// Forgets the attempts: the last was right.
    pub(crate) fn succeeded(&self, tenant: TenantId, email: &Email) {
        self.0.invalidate(&key(tenant, email));
    }
}

fn key(tenant: TenantId, email: &Email) -> Key {
    Sha256::new().chain_update(Uuid::from(tenant)).chain_update(email.as_str()).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_attempts_in_each_organisation_and_again_after_a_right_one() {
        let attempts = Attempts::new();
        let (a, b) = (TenantId::generate(), TenantId::generate());
        let ann = Email::try_from("ann@example.com".to_owned()).unwrap();
        let bob = Email::try_from("bob@example.com".to_owned()).unwrap();
        for _ in 0..IN_A_ROW {
            attempts.admit(a, &ann).unwrap();
        }
        assert!(attempts.admit(a, &ann).is_err());
        assert!(attempts.admit(a, &bob).is_ok());
        assert!(attempts.admit(b, &ann).is_ok());
        attempts.succeeded(a, &ann);
        assert!(attempts.admit(a, &ann).is_ok());
    }
}
