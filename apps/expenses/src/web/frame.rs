use super::assets::{ADDRESSES, Addresses};
use super::notice::Notice;
use crate::people::Role;
use crate::session::Person;

/// What every page shows of the organisation.
#[derive(Clone, Debug)]
pub(crate) struct Organisation {
    pub(crate) name: String,
    pub(crate) currency: String,
    /// As `#rrggbb`.
    pub(crate) colour: Option<String>,
    /// The digest of the logo, which is part of its address.
    pub(crate) logo: Option<String>,
}

/// What is around a page for somebody who is logged in.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) organisation: Organisation,
    pub(crate) person: Person,
    pub(crate) notice: Option<Notice>,
}

/// What is around a page for those who are not logged in, or belong to no organisation yet.
#[derive(Debug)]
pub(crate) struct Outside {
    pub(crate) organisation: Option<Organisation>,
    pub(crate) notice: Option<Notice>,
}

/// The entries of the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Overview,
    Expenses,
    Imports,
    Reports,
    Budgets,
    People,
    Activity,
    Settings,
    Account,
}

impl Place {
    /// Those in the navigation, in their order.
    const SHOWN: [Self; 8] = [
        Self::Overview,
        Self::Expenses,
        Self::Imports,
        Self::Reports,
        Self::Budgets,
        Self::People,
        Self::Activity,
        Self::Settings,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Expenses => "Expenses",
            Self::Imports => "Import",
            Self::Reports => "Reports",
            Self::Budgets => "Budgets",
            Self::People => "People",
            Self::Activity => "Activity",
            Self::Settings => "Settings",
            Self::Account => "Account",
        }
    }

    pub(crate) fn address(self) -> &'static str {
        match self {
            Self::Overview => "/",
            Self::Expenses => "/expenses",
            Self::Imports => "/imports",
            Self::Reports => "/reports",
            Self::Budgets => "/budgets",
            Self::People => "/people",
            Self::Activity => "/activity",
            Self::Settings => "/settings",
            Self::Account => "/account",
        }
    }

    fn is_for(self, role: Role) -> bool {
        match self {
            Self::Imports => role.decides(),
            Self::Settings => role == Role::Owner,
            _ => true,
        }
    }
}

impl Frame {
    /// The entries of the navigation that this person may use.
    pub(crate) fn places(&self) -> impl Iterator<Item = Place> {
        let role = self.person.role;
        Place::SHOWN.into_iter().filter(move |place| place.is_for(role))
    }

    pub(crate) fn assets(&self) -> &'static Addresses {
        &ADDRESSES
    }
}

impl Outside {
    pub(crate) fn assets(&self) -> &'static Addresses {
        &ADDRESSES
    }
}
