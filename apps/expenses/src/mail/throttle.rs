use std::time::Duration;

use freehold::Problem;
use freehold::tenant::TenantId;
use http::StatusCode;
use moka::ops::compute::{CompResult, Op};
use moka::sync::Cache;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::failure::Failure;
use crate::people::Email;

/// How many mails were asked for: to an address of an organisation, and invitations of an organisation.
///
/// After so many it has to rest for an hour. Whether anybody is at an address makes no difference. Counted in this process,
/// as attempts to log in are.
#[derive(Clone, Debug)]
pub(super) struct Throttle(Cache<Key, u32>);

/// A digest, because an address may be long, and is not to be lying around.
type Key = [u8; 32];

const TO_AN_ADDRESS: u32 = 5;
/// Organisations sign up as they like; they are not to reach strangers through us by the thousand.
const INVITATIONS: u32 = 100;
const REST: Duration = Duration::from_secs(60 * 60);
/// Keys that are remembered: those used least are forgotten first.
const REMEMBERED: u64 = 100_000;

impl Throttle {
    pub(super) fn new() -> Self {
        Self(Cache::builder().max_capacity(REMEMBERED).time_to_live(REST).build())
    }

    pub(super) fn admit(&self, tenant: TenantId, recipient: &Email) -> Result<(), Failure> {
        if self.count(key(tenant, recipient.as_str()), TO_AN_ADDRESS) {
            return Ok(());
        }
        Err(refused(
            "enough mails were sent to this address: look for them also among the unwanted ones, or wait an hour",
        ))
    }

    pub(super) fn admit_invitation(&self, tenant: TenantId, recipient: &Email) -> Result<(), Failure> {
        self.admit(tenant, recipient)?;
        // No address is empty.
        if self.count(key(tenant, ""), INVITATIONS) {
            return Ok(());
        }
        Err(refused("that were many invitations: wait an hour before you send more"))
    }

    fn count(&self, key: Key, most: u32) -> bool {
        let counted = self.0.entry(key).and_compute_with(|count| {
            let count = count.map_or(0, |count| count.into_value());
            if count < most { Op::Put(count + 1) } else { Op::Nop }
        });
        !matches!(counted, CompResult::Unchanged(_))
    }
}

fn refused(detail: &'static str) -> Failure {
    let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_mails").detail(detail);
    problem.retry_after(REST.as_secs() as u32).into()
}

fn key(tenant: TenantId, recipient: &str) -> Key {
    Sha256::new().chain_update(Uuid::from(tenant)).chain_update(recipient).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(n: u32) -> Email {
        Email::try_from(format!("{n}@example.com")).unwrap()
    }

    #[test]
    fn an_address_gets_its_mails_in_each_organisation() {
        let throttle = Throttle::new();
        let (a, b) = (TenantId::generate(), TenantId::generate());
        for _ in 0..TO_AN_ADDRESS {
            throttle.admit(a, &address(1)).unwrap();
        }
        assert!(throttle.admit(a, &address(1)).is_err());
        assert!(throttle.admit_invitation(a, &address(1)).is_err());
        assert!(throttle.admit(a, &address(2)).is_ok());
        assert!(throttle.admit(b, &address(1)).is_ok());
    }

    #[test]
    fn an_organisation_sends_only_so_many_invitations_and_its_people_still_get_mail() {
        let throttle = Throttle::new();
        let (a, b) = (TenantId::generate(), TenantId::generate());
        for n in 0..INVITATIONS {
            throttle.admit_invitation(a, &address(n)).unwrap();
        }
        assert!(throttle.admit_invitation(a, &address(INVITATIONS)).is_err());
        assert!(throttle.admit(a, &address(INVITATIONS + 1)).is_ok());
        assert!(throttle.admit_invitation(b, &address(INVITATIONS)).is_ok());
    }
}
