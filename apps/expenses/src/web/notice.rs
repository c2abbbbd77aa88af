use http::HeaderMap;
use http::header::{COOKIE, HeaderValue};

macro_rules! notices {
    ($($notice:ident $name:literal $words:literal,)*) => {
        /// What a page says first about what was done on the page before.
        ///
        /// It travels in a cookie as its name alone: no text from outside is ever shown.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Notice { $($notice),* }

        impl Notice {
            const ALL: &[Self] = &[$(Self::$notice),*];

            const fn name(self) -> &'static str {
                match self { $(Self::$notice => $name),* }
            }

            /// The sentence.
            pub(crate) const fn words(self) -> &'static str {
                match self { $(Self::$notice => $words),* }
            }
        }
    };
}

notices! {
    SignedUp "signed-up" "Welcome! Your organisation is ready.",
    LoggedOut "logged-out" "You are logged out.",
    SessionOver "session-over" "Please log in to go on.",
    PasswordMailed "password-mailed" "If that address belongs to somebody here, a link is on its way to it.",
    PasswordChanged "password-changed" "Your password is changed. Other sessions of yours were ended.",
    AddressConfirmed "address-confirmed" "Your e-mail address is confirmed.",
    ConfirmationMailed "confirmation-mailed" "A link is on its way to your address.",
    InvitationMailed "invitation-mailed" "The invitation was sent again. The link before is worthless now.",
    AlreadyIn "already-in" "You are logged in already.",
    Joined "joined" "Welcome! You have joined.",
    Saved "saved" "Saved.",
    Submitted "submitted" "The expense is submitted.",
    Approved "approved" "The expense is approved.",
    Rejected "rejected" "The expense is rejected.",
    Paid "paid" "The expense is marked as paid.",
    Reopened "reopened" "The expense waits for a decision again.",
    Deleted "deleted" "Deleted.",
    Invited "invited" "The invitation is on its way.",
    InvitationWithdrawn "invitation-withdrawn" "The invitation is withdrawn.",
    RoleChanged "role-changed" "The role is changed.",
    PersonRemoved "person-removed" "The person is removed, and logged out everywhere.",
    CategoryAdded "category-added" "The category is added.",
    CategoryRenamed "category-renamed" "The category is renamed.",
    CategoryDeleted "category-deleted" "The category is deleted.",
    BudgetSet "budget-set" "The budget is set.",
    BudgetRemoved "budget-removed" "The budget is removed.",
    RuleAdded "rule-added" "The rule is added.",
    RuleRemoved "rule-removed" "The rule is removed.",
    LogoRemoved "logo-removed" "The logo is removed.",
    KeyRevoked "key-revoked" "The key is revoked.",
    SubmittedNear "submitted-near" "The expense is submitted. With it a budget is nearly used up.",
    SubmittedOver "submitted-over" "The expense is submitted. With it a budget is spent, and more.",
    ImportCancelled "import-cancelled" "The import is being cancelled.",
}

const COOKIE_NAME: &str = "notice";

impl Notice {
    /// The notice that the request carries.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let name = cookies
            .flat_map(|value| value.split(';'))
            .find_map(|pair| pair.trim().strip_prefix(COOKIE_NAME)?.strip_prefix('='))?;
        Self::ALL.iter().copied().find(|notice| notice.name() == name)
    }

    /// The cookie that carries it to the next page.
    pub(crate) fn cookie(self) -> HeaderValue {
        HeaderValue::try_from(format!("{COOKIE_NAME}={}; Path=/; Max-Age=60; HttpOnly; SameSite=Lax", self.name()))
            .unwrap_or_else(|_| Self::over())
    }

    /// The cookie that forgets it.
    pub(crate) const fn over() -> HeaderValue {
        HeaderValue::from_static("notice=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn carried(cookie: &str) -> Option<Notice> {
        Notice::of(&HeaderMap::from_iter([(COOKIE, HeaderValue::from_str(cookie).unwrap())]))
    }

    #[test]
    fn a_notice_arrives_as_itself_and_no_other_text_is_one() {
        for &notice in Notice::ALL {
            let cookie = notice.cookie();
            assert_eq!(carried(cookie.to_str().unwrap().split(';').next().unwrap()), Some(notice));
        }
        for cookie in ["", "notice=", "notice=<script>", "xnotice=saved"] {
            assert_eq!(carried(cookie), None, "{cookie}");
        }
    }
}
