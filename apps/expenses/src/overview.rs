//! The first page of an organisation.

use askama::Template;
use axum::response::{IntoResponse, Response};
use sqlx::FromRow;

use crate::budgets::{self, Budget, State};
use crate::failure::Failure;
use crate::money::{Total, shown};
use crate::reports::{self, Columns};
use crate::web::{Browser, Frame, Page, Place};

#[derive(Template)]
#[template(path = "overview.html")]
struct Overview {
    frame: Frame,
    figures: Figures,
    strained: Vec<Budget>,
    months: Columns,
}

#[derive(FromRow)]
struct Figures {
    has_expenses: bool,
    waiting: i64,
    #[sqlx(try_from = "String")]
    waiting_total: Total,
    #[sqlx(try_from = "String")]
    month_total: Total,
    month: String,
    people: i64,
}

impl Overview {
    const PLACE: Place = Place::Overview;

    fn sum(&self, total: &Total) -> String {
        shown(total.0, &self.frame.organisation.currency)
    }
}

/// What is to be done, and how the month goes.
pub(crate) async fn overview(browser: Browser) -> Result<Response, Failure> {
    let (mut scope, frame) = browser.read().await?;
    let figures = sqlx::query_as(
        "select exists (select from expenses) as has_expenses, w.count as waiting, w.sum as waiting_total, m.sum as month_total, \
         to_char(now() at time zone 'UTC', 'FMMonth YYYY') as month, (select count(*) from people) as people \
         from (select count(*), coalesce(sum(amount_minor), 0)::text as sum from expenses where status = 'submitted') w, \
         (select coalesce(sum(total_minor), 0)::text as sum from unit_totals \
          where month >= date_trunc('month', now() at time zone 'UTC')::date) m",
    );
    let figures = figures.fetch_one(&mut scope).await?;
    let strained = budgets::strained(&mut scope).await?;
    let months = reports::recent(&mut scope).await?;
    let months = Columns::of(&months, &frame.organisation.currency, reports::Month::expenses);
    Ok(Page::of(Overview { frame, figures, strained, months }).into_response())
}
