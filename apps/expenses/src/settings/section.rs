use crate::failure::Failure;
use crate::people::Role;
use crate::session::Person;

/// The pages of the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Organisation,
    Rules,
    Categories,
}

impl Section {
    pub(crate) const ALL: [Self; 3] = [Self::Organisation, Self::Rules, Self::Categories];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Organisation => "Organisation",
            Self::Rules => "Approval rules",
            Self::Categories => "Categories",
        }
    }

    pub(crate) fn address(self) -> &'static str {
        match self {
            Self::Organisation => "/settings",
            Self::Rules => "/settings/rules",
            Self::Categories => "/settings/categories",
        }
    }
}

/// Refuses whoever is no owner, saying what owners do.
pub(crate) fn owners_alone(person: &Person, what: &'static str) -> Result<(), Failure> {
    if person.role == Role::Owner { Ok(()) } else { Err(Failure::forbidden(what)) }
}
