use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::money::{Amount, Total, shown};
use crate::text::excerpt;

/// What a budget is for: the current month or year, by universal time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "lowercase", try_from = "String")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub(crate) enum Period {
    Month,
    Year,
}

/// A text that names no period.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown period {0:?}: use month or year")]
pub(crate) struct UnknownPeriod(String);

impl Period {
    pub(super) const ALL: [Self; 2] = [Self::Month, Self::Year];

    /// As it is written.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Month => "month",
            Self::Year => "year",
        }
    }
}

impl TryFrom<String> for Period {
    type Error = UnknownPeriod;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::ALL.into_iter().find(|period| period.name() == text).ok_or(UnknownPeriod(text))
    }
}

/// How much of a budget is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    Within,
    /// 80 % or more.
    Near,
    /// More than all of it.
    Over,
}

impl State {
    fn of(used: i128, amount: i128) -> Self {
        match () {
            () if used > amount => Self::Over,
            () if used * 100 >= amount * 80 => Self::Near,
            () => Self::Within,
        }
    }

    /// As it is written, and as the style sheet calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Within => "within",
            Self::Near => "near",
            Self::Over => "over",
        }
    }
}

/// A budget, and what is used of it.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct Budget {
    pub(super) id: Uuid,
    pub(super) period: Period,
    pub(super) amount: Amount,
    /// Empty for all units.
    pub(super) unit: String,
    /// Empty for all categories.
    pub(super) category: String,
    #[sqlx(try_from = "String")]
    pub(super) used: Total,
}

impl Budget {
    pub(crate) fn state(&self) -> State {
        State::of(self.used.0, self.amount.0.into())
    }

    /// What it would be, were it not for an expense of this amount.
    pub(super) fn state_without(&self, amount: Amount) -> State {
        State::of(self.used.0 - i128::from(amount.0), self.amount.0.into())
    }

    /// What it is for, in words.
    pub(crate) fn title(&self) -> String {
        match (self.category.as_str(), self.unit.as_str()) {
            ("", "") => "All spending".to_owned(),
            (category, "") => excerpt(category).to_owned(),
            ("", unit) => excerpt(unit).to_owned(),
            (category, unit) => format!("{} of {}", excerpt(category), excerpt(unit)),
        }
    }

    /// How much may be spent, in words.
    pub(crate) fn limit(&self, currency: &str) -> String {
        format!("{} a {}", shown(self.amount.0, currency), self.period.name())
    }

    /// How much of it is used, in words.
    pub(crate) fn usage(&self, currency: &str) -> String {
        let amount = i128::from(self.amount.0);
        let left = match self.used.0 {
            used if used > amount => format!("{} over", shown(used - amount, currency)),
            used => format!("{} left", shown(amount - used, currency)),
        };
        let (used, amount) = (shown(self.used.0, currency), shown(amount, currency));
        format!("{used} of {amount} used, {} %; {left}", self.percent())
    }

    /// Rounded down, as 99.9 % is not all of it.
    pub(crate) fn percent(&self) -> i128 {
        (self.used.0 * 100).div_euclid(i128::from(self.amount.0))
    }

    /// How long a bar of a hundred is.
    pub(crate) fn length(&self) -> i128 {
        self.percent().clamp(0, 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(amount: i64, used: i128) -> Budget {
        let (unit, category) = ("Sales".to_owned(), "Travel".to_owned());
        Budget { id: Uuid::nil(), period: Period::Month, amount: Amount(amount), unit, category, used: Total(used) }
    }

    #[test]
    fn a_budget_is_near_from_eighty_percent_and_over_beyond_all_of_it() {
        for (used, state, percent) in [
            (0, State::Within, 0),
            (7_999, State::Within, 79),
            (8_000, State::Near, 80),
            (10_000, State::Near, 100),
            (10_001, State::Over, 100),
            (i128::from(i64::MAX) * 1_000, State::Over, i128::from(i64::MAX) * 10),
            (-50, State::Within, -1),
        ] {
            let budget = budget(10_000, used);
            assert_eq!((budget.state(), budget.percent()), (state, percent), "{used}");
            assert!((0..=100).contains(&budget.length()));
        }
        assert_eq!(budget(10_000, 8_000).state_without(Amount(1)), State::Within);
        // Of the smallest budget there are no eighty percent but all of it.
        assert_eq!((budget(1, 0).state(), budget(1, 1).state()), (State::Within, State::Near));
    }

    #[test]
    fn a_budget_is_told_in_words() {
        let near = budget(100_000, 82_000);
        assert_eq!(near.title(), "Travel of Sales");
        assert_eq!(near.limit("GBP"), "£1,000.00 a month");
        assert_eq!(near.usage("GBP"), "£820.00 of £1,000.00 used, 82 %; £180.00 left");
        assert_eq!(budget(100_000, 102_000).usage("GBP"), "£1,020.00 of £1,000.00 used, 102 %; £20.00 over");
    }
}
