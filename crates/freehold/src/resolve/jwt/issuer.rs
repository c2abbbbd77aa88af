use std::collections::HashSet;

use super::super::TenantName;
use super::{Key, PublishedKeys};

/// Who signs tokens.
#[derive(Debug)]
pub struct Issuer {
    pub(super) name: Box<str>,
    pub(super) keys: Keys,
    /// `None`: any tenant.
    pub(super) only: Option<HashSet<TenantName>>,
}

/// The keys of an issuer: made of keys that never change, or of [`PublishedKeys`].
#[derive(Debug)]
pub struct Keys(pub(super) Source);

#[derive(Debug)]
pub(super) enum Source {
    Fixed(Box<[Key]>),
    Published(PublishedKeys),
}

impl Issuer {
    /// The issuer that tokens name in `iss`, letter by letter. Its keys verify no other issuer's tokens.
    pub fn new(name: impl Into<String>, keys: impl Into<Keys>) -> Self {
        Self { name: name.into().into(), keys: keys.into(), only: None }
    }

    /// The issuer, with a say about these tenants alone. For an issuer that belongs to a tenant: without this it could name
    /// any other one.
    ///
    /// They are named in the way the token names them.
    pub fn only_for(mut self, tenants: impl IntoIterator<Item = TenantName>) -> Self {
        self.only = Some(tenants.into_iter().collect());
        self
    }
}

impl From<Key> for Keys {
    fn from(key: Key) -> Self {
        Self(Source::Fixed([key].into()))
    }
}

impl From<Vec<Key>> for Keys {
    fn from(keys: Vec<Key>) -> Self {
        Self(Source::Fixed(keys.into()))
    }
}

impl From<PublishedKeys> for Keys {
    fn from(keys: PublishedKeys) -> Self {
        Self(Source::Published(keys))
    }
}
