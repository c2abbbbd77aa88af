//! The page of reports.

use askama::Template;
use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::chart::{Columns, Rows};
use super::filter::Filter;
use super::read::{self, Month};
use crate::app::App;
use crate::day::Day;
use crate::failure::Failure;
use crate::money::{Total, shown};
use crate::names::{self, Choices};
use crate::web::{Browser, Frame, Page, Place, Query};

/// Names with a bar of their own.
const TOP: u16 = 15;
/// Months that the page reads; the API has all of them.
const MONTHS: i64 = 600;
/// The longest name that a link carries. One of an imported file may be longer than an address can be.
const LONGEST_LINKED: usize = 200;

/// The page, which a form on it asks for again.
pub(crate) fn pages() -> Router<App> {
    Router::new().route("/reports", get(reports))
}

#[derive(Template)]
#[template(path = "reports/page.html")]
struct Reports {
    frame: Frame,
    query: Query,
    choices: Choices,
    /// None if the filter cannot be read.
    figures: Option<Figures>,
}

struct Figures {
    months: Vec<Month>,
    by_month: Columns,
    by_unit: Rows,
    by_supplier: Rows,
    count: i64,
    total: Total,
}

impl Reports {
    const PLACE: Place = Place::Reports;

    fn sum(&self, total: &Total) -> String {
        shown(total.0, &self.frame.organisation.currency)
    }
}

/// What was spent: by month, by unit, by supplier. Without dates it is about the last twelve months that have expenses.
///
/// Of an organisation with 1.1 million expenses of 44,000 suppliers that takes 70 to 100 ms under each model, on two busy cores, and of
/// all of its 56 months 150 to 220 ms: by supplier 230,000 sums are added up. (The expenses themselves take 260 to 640 ms for each of
/// the three charts.)
async fn reports(browser: Browser, mut query: Query) -> Result<Response, Failure> {
    let (mut scope, frame) = browser.read().await?;
    if !query.has_field("from") && !query.has_field("to") {
        let last = read::latest_month(&mut scope).await?;
        query.set("from", last.months_away(-11).to_string());
        query.set("to", Day(last.0.last_of_month()).to_string());
    }
    let choices = names::choices(&mut scope).await?;
    let filter = filter(&mut query);
    if !query.is_valid() {
        return Ok(Page::refusing(Reports { frame, query, choices, figures: None }).into_response());
    }
    let found = filter.find(&mut scope).await?;
    let months = read::by_month(&mut scope, found, MONTHS).await?;
    let units = read::unit_ranking(&mut scope, found, TOP).await?;
    let suppliers = read::supplier_ranking(&mut scope, found, TOP).await?;
    drop(scope);

    let currency = &frame.organisation.currency;
    let named =
        |field, name: &str| (name.chars().count() <= LONGEST_LINKED).then(|| query.with("/expenses", &[(field, name)]));
    let figures = Figures {
        by_month: Columns::of(&drawn(&months, &filter), currency, |month| expenses_of(month, &filter, &query)),
        by_unit: Rows::of(&units, currency, ("no unit", "other units"), |name| named("unit", name)),
        by_supplier: Rows::of(&suppliers, currency, ("no supplier", "other suppliers"), |name| named("supplier", name)),
        count: units.top.iter().map(|unit| unit.count).sum::<i64>() + units.other_count,
        total: Total(units.top.iter().map(|unit| unit.total.0).sum::<i128>() + units.other_total.0),
        months,
    };
    Ok(Page::of(Reports { frame, query, choices, figures: Some(figures) }).into_response())
}

/// The months of the chart: of a year or less all that were asked for, of more those that have expenses.
fn drawn(months: &[Month], filter: &Filter) -> Vec<Month> {
    match (filter.from, filter.to) {
        (Some(from), Some(to)) if (0..12).contains(&from.months_until(to)) => read::filled(months, from, to),
        _ => months.to_vec(),
    }
}

/// What the fields of the page ask for. An empty field asks for all.
fn filter(query: &mut Query) -> Filter {
    let filled = |query: &Query, name: &str| Some(query.value(name).to_owned()).filter(|text| !text.trim().is_empty());
    Filter {
        from: query.read_if_filled("from"),
        to: query.read_if_filled("to"),
        unit: filled(query, "unit"),
        category: filled(query, "category"),
    }
}

/// The list of a month's expenses, as far as they are in the range.
fn expenses_of(month: &Month, filter: &Filter, query: &Query) -> String {
    let first = filter.from.map_or(month.first, |from| from.max(month.first));
    let last = filter.to.map_or(month.last(), |to| to.min(month.last()));
    query.with("/expenses", &[("from", first.to_string().as_str()), ("to", last.to_string().as_str())])
}
