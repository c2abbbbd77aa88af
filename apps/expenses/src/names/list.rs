//! Names with what is spent under them, a page at a time.

use std::collections::HashMap;

use freehold::isolation::{Access, Scope, Sqlx};
use sqlx::FromRow;
use uuid::Uuid;

use crate::money::{Total, shown};
use crate::text::{excerpt, pattern, trim};

/// Names of a page.
pub(crate) const ROWS: u16 = 50;

/// A table of names, as it is listed.
pub(crate) struct List {
    page: &'static str,
    sums: &'static str,
}

macro_rules! list {
    ($table:literal, $column:literal, $totals:literal) => {
        List {
            page: concat!(
                "select id, name from ",
                $table,
                " where ($1::uuid is null or (name, id) > (select name, id from ",
                $table,
                " where id = $1)) and ($2::text is null or name ilike $2) order by name, id limit $3"
            ),
            sums: concat!(
                "select ",
                $column,
                " as id, sum(count)::bigint as count, sum(total_minor)::text as total from ",
                $totals,
                " where ",
                $column,
                " = any($1) group by ",
                $column
            ),
        }
    };
}

impl List {
    pub(crate) const SUPPLIERS: Self = list!("suppliers", "supplier_id", "supplier_totals");
    pub(crate) const UNITS: Self = list!("units", "unit_id", "unit_totals");
    pub(crate) const CATEGORIES: Self = list!("categories", "category_id", "unit_totals");

    /// The names behind a place, at most a page of them, that contain a text if there is one.
    ///
    /// Names are few beside expenses, and are sorted each time: the 44,000 suppliers of a large city in 50 ms. What is spent is in
    /// the sums of months, which are read for the names of the page alone.
    pub(crate) async fn run<A: Access>(
        &self,
        scope: &mut Scope<Sqlx, A>,
        text: &str,
        after: Option<Place>,
    ) -> Result<(Vec<Listed>, Option<Place>), sqlx::Error> {
        let text = Some(trim(text)).filter(|text| !text.is_empty());
        // One more than are shown tells whether there is a next page.
        let page = sqlx::query_as(self.page).bind(after.map(|place| place.0)).bind(text.map(pattern));
        let mut names: Vec<Name> = page.bind(i64::from(ROWS) + 1).fetch_all(&mut *scope).await?;
        let more = names.len() > usize::from(ROWS);
        names.truncate(ROWS.into());
        let next = names.last().filter(|_| more).map(|last| Place(last.id));
        let sums = self.sums(scope, names.iter().map(|name| name.id).collect()).await?;
        let listed = |Name { id, name }| {
            let (count, total) = sums.get(&id).copied().unwrap_or((0, Total(0)));
            Listed { id, name, count, total }
        };
        Ok((names.into_iter().map(listed).collect(), next))
    }

    /// One name of the table.
    pub(crate) async fn one<A: Access>(
        &self,
        scope: &mut Scope<Sqlx, A>,
        id: Uuid,
        name: String,
    ) -> Result<Listed, sqlx::Error> {
        let sums = self.sums(scope, vec![id]).await?;
        let (count, total) = sums.get(&id).copied().unwrap_or((0, Total(0)));
        Ok(Listed { id, name, count, total })
    }

    async fn sums<A: Access>(
        &self,
        scope: &mut Scope<Sqlx, A>,
        ids: Vec<Uuid>,
    ) -> Result<HashMap<Uuid, (i64, Total)>, sqlx::Error> {
        let sums: Vec<Sum> = sqlx::query_as(self.sums).persistent(false).bind(ids).fetch_all(scope).await?;
        Ok(sums.into_iter().map(|Sum { id, count, total }| (id, (count, total))).collect())
    }
}

#[derive(FromRow)]
struct Name {
    id: Uuid,
    name: String,
}

#[derive(FromRow)]
struct Sum {
    id: Uuid,
    count: i64,
    #[sqlx(try_from = "String")]
    total: Total,
}

/// A name, and the expenses under it that are not rejected.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) count: i64,
    total: Total,
}

impl Listed {
    /// The name, or the beginning of one that is as long as a record of a file.
    pub(crate) fn called(&self) -> &str {
        excerpt(&self.name)
    }

    /// The sum as people read it.
    pub(crate) fn sum(&self, currency: &str) -> String {
        shown(self.total.0, currency)
    }
}

/// A place in a list: behind the name of this id. One that is not there is the end of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place(Uuid);

impl TryFrom<String> for Place {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map(Self).map_err(|_| "not a page of this list: begin with the first")
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}
