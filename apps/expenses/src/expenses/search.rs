//! Which expenses, and in which order: what the API's list, the page and the exports have in common.

use freehold::isolation::{Access, Scope, Sqlx};
use serde::Deserialize;
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgArguments;
use sqlx::query::QueryAs;
use utoipa::ToSchema;
use uuid::Uuid;

use super::cursor::Cursor;
use super::row::{Expense, Status, select_expenses};
use crate::day::Day;
use crate::names::digest;
use crate::text::{pattern, trim};

/// The order of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase", try_from = "String")]
pub(crate) enum Order {
    #[default]
    Newest,
    Oldest,
    Largest,
    Smallest,
}

/// A text that names no order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown order {0:?}: use newest, oldest, largest or smallest")]
pub(crate) struct UnknownOrder(String);

impl Order {
    pub(super) const ALL: [Self; 4] = [Self::Newest, Self::Oldest, Self::Largest, Self::Smallest];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::Oldest => "oldest",
            Self::Largest => "largest",
            Self::Smallest => "smallest",
        }
    }

    fn is_by_amount(self) -> bool {
        matches!(self, Self::Largest | Self::Smallest)
    }

    fn start(self) -> Cursor {
        match self {
            Self::Newest | Self::Largest => Cursor::HIGHEST,
            Self::Oldest | Self::Smallest => Cursor::LOWEST,
        }
    }

    /// The place behind an expense.
    fn behind(self, expense: &Expense) -> Cursor {
        if self.is_by_amount() {
            Cursor { key: expense.amount.0, id: expense.id }
        } else {
            Cursor::behind(expense.date, expense.id)
        }
    }

    /// What is behind the cursor, and how it is ordered. Words of this file alone: values are bound.
    fn sql(self) -> (&'static str, &'static str) {
        match self {
            Self::Newest => ("(e.date, e.id) < ($1, $2)", "e.date desc, e.id desc"),
            Self::Oldest => ("(e.date, e.id) > ($1, $2)", "e.date, e.id"),
            Self::Largest => ("(e.amount_minor, e.id) < ($1, $2)", "e.amount_minor desc, e.id desc"),
            Self::Smallest => ("(e.amount_minor, e.id) > ($1, $2)", "e.amount_minor, e.id"),
        }
    }
}

impl TryFrom<String> for Order {
    type Error = UnknownOrder;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::ALL.into_iter().find(|order| order.name() == text).ok_or(UnknownOrder(text))
    }
}

/// Which expenses.
#[derive(Clone, Debug, Default)]
pub(super) struct Search {
    /// Part of the description, or of the name of supplier, category or unit, in any case.
    pub(super) text: Option<String>,
    pub(super) status: Option<Status>,
    /// The name of the supplier; empty for none. Likewise the next two.
    pub(super) supplier: Option<String>,
    pub(super) category: Option<String>,
    pub(super) unit: Option<String>,
    /// The first day.
    pub(super) from: Option<Day>,
    /// The last day.
    pub(super) to: Option<Day>,
    pub(super) order: Order,
}

/// A page of what was found, and where the next one begins.
pub(super) type Found = (Vec<Expense>, Option<Cursor>);

type Query = QueryAs<'static, sqlx::Postgres, Expense, PgArguments>;

/// Supplier, category and unit that a search is for: of any, of none, or of the one with this id.
type Names = [Option<Option<Uuid>>; 3];

/// The ids of names that a text is part of.
#[derive(sqlx::FromRow)]
struct Named {
    suppliers: Vec<Uuid>,
    categories: Vec<Uuid>,
    units: Vec<Uuid>,
}

impl Search {
    /// The expenses behind the cursor, at most `rows`.
    pub(super) async fn run<A: Access>(
        &self,
        scope: &mut Scope<Sqlx, A>,
        cursor: Option<Cursor>,
        rows: u16,
    ) -> Result<Found, sqlx::Error> {
        let cursor = cursor.unwrap_or(self.start());
        // One more than asked for tells whether there is a next page.
        let limit = i64::from(rows) + 1;
        let names = self.names(scope).await?;
        let mut items = match self.text.as_deref().map(trim).filter(|text| !text.is_empty()) {
            Some(text) => self.mentioning(scope, text, names, cursor, limit).await?,
            None if self.is_everything() => everything(cursor, limit).fetch_all(scope).await?,
            None => self.query("true", names, cursor, limit).fetch_all(scope).await?,
        };
        let more = items.len() > usize::from(rows);
        items.truncate(rows.into());
        let next = items.last().filter(|_| more).map(|last| self.order.behind(last));
        Ok((items, next))
    }

    /// Where the list begins. PostgreSQL would walk the index from the end of all days to those that are looked for: of two
    /// conditions on the first column it begins at the one of the cursor.
    fn start(&self) -> Cursor {
        match (self.order, self.from, self.to) {
            (Order::Newest, _, Some(to)) => Cursor::behind(to, Cursor::HIGHEST.id),
            (Order::Oldest, Some(from), _) => Cursor::behind(from, Cursor::LOWEST.id),
            _ => self.order.start(),
        }
    }

    fn is_everything(&self) -> bool {
        let Self { text: _, status, supplier, category, unit, from, to, order } = self;
        *order == Order::Newest
            && status.is_none()
            && supplier.is_none()
            && category.is_none()
            && unit.is_none()
            && from.is_none()
            && to.is_none()
    }

    /// Looks the names up, ahead of the expenses: how many those of an id are, PostgreSQL has statistics of. Of a name that is not
    /// there, no expense is.
    async fn names<A: Access>(&self, scope: &mut Scope<Sqlx, A>) -> Result<Names, sqlx::Error> {
        let names = [&self.supplier, &self.category, &self.unit].map(|name| name.as_deref().map(trim));
        if names.iter().all(Option::is_none) {
            return Ok([None; 3]);
        }
        let select = "select (select id from suppliers where digest = $1), (select id from categories where digest = $2), \
                      (select id from units where digest = $3)";
        let [supplier, category, unit] = names.map(|name| name.map(digest));
        let ids = sqlx::query_as::<_, (Option<Uuid>, Option<Uuid>, Option<Uuid>)>(select).bind(supplier).bind(category);
        let (supplier, category, unit) = ids.bind(unit).fetch_one(scope).await?;
        let wanted = |(name, id): (Option<&str>, Option<Uuid>)| match name? {
            "" => Some(None),
            _ => Some(id.or(Some(Uuid::nil()))),
        };
        let [first, second, third] = names;
        Ok([(first, supplier), (second, category), (third, unit)].map(wanted))
    }

    /// Expenses with this text in a name, and those with it in the description: two queries, because the first has indexes to
    /// use and the second has not, and neither has their disjunction.
    async fn mentioning<A: Access>(
        &self,
        scope: &mut Scope<Sqlx, A>,
        text: &str,
        names: Names,
        cursor: Cursor,
        limit: i64,
    ) -> Result<Vec<Expense>, sqlx::Error> {
        let pattern = pattern(text);
        let named: Named = sqlx::query_as(
            "select array(select id from suppliers where name ilike $1) as suppliers, \
             array(select id from categories where name ilike $1) as categories, \
             array(select id from units where name ilike $1) as units",
        )
        .bind(&pattern)
        .fetch_one(&mut *scope)
        .await?;
        let by_name = "(e.supplier_id = any($13) or e.category_id = any($14) or e.unit_id = any($15))";
        let by_name =
            self.query(by_name, names, cursor, limit).bind(named.suppliers).bind(named.categories).bind(named.units);
        let mut items = by_name.fetch_all(&mut *scope).await?;
        let described =
            self.query("e.description <> '' and e.description ilike $13", names, cursor, limit).bind(pattern);
        items.extend(described.fetch_all(scope).await?);

        let place = |expense: &Expense| (self.order.behind(expense).key, expense.id);
        items.sort_unstable_by_key(place);
        items.dedup_by_key(|expense| expense.id);
        if self.order.start() == Cursor::HIGHEST {
            items.reverse();
        }
        Ok(items)
    }

    /// Expenses that pass. The plan depends on which filters are set, so it is made anew each time.
    fn query(&self, condition: &'static str, names: Names, cursor: Cursor, limit: i64) -> Query {
        let (behind, order) = self.order.sql();
        let sql = format!(
            "{} {behind} and {condition} and ($4::text is null or e.status = $4) \
             and ($5::uuid is null or e.supplier_id = $5) and (not $6 or e.supplier_id is null) \
             and ($7::uuid is null or e.category_id = $7) and (not $8 or e.category_id is null) \
             and ($9::uuid is null or e.unit_id = $9) and (not $10 or e.unit_id is null) \
             and ($11::date is null or e.date >= $11) and ($12::date is null or e.date <= $12) order by {order} limit $3",
            select_expenses!("where")
        );
        let query = sqlx::query_as(AssertSqlSafe(sql)).persistent(false);
        let query = if self.order.is_by_amount() { query.bind(cursor.key) } else { query.bind(cursor.day()) };
        let query = query.bind(cursor.id).bind(limit).bind(self.status);
        let query = names.into_iter().fold(query, |query, name| query.bind(name.flatten()).bind(name == Some(None)));
        query.bind(self.from).bind(self.to)
    }
}

/// All expenses, the latest first: the usual query, kept prepared.
fn everything(cursor: Cursor, limit: i64) -> Query {
    sqlx::query_as(select_expenses!("where (e.date, e.id) < ($1, $2) order by e.date desc, e.id desc limit $3"))
        .bind(cursor.day())
        .bind(cursor.id)
        .bind(limit)
}
