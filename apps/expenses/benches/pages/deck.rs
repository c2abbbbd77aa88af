//! The organisations, and the pages that are asked for: the same of both.

use form_urlencoded::Serializer;
use serde_json::{Value, json};

use crate::program::client::Client;

/// A public body, and words that are in its file.
pub(crate) struct Body {
    pub(crate) name: &'static str,
    pub(crate) records: u64,
    /// Part of the names of every fifth supplier or so.
    common_word: &'static str,
    /// Part of the name of one, who was paid once or twice.
    rare_word: &'static str,
    /// Part of the name of one who was paid many times, at the beginning and not since.
    old_word: &'static str,
    /// With the most expenses, and with some at the beginning and none since. Likewise the suppliers.
    units: (&'static str, &'static str),
    suppliers: (&'static str, &'static str),
    /// First and last day of a month, of a year, and of a range that no month begins or ends with.
    month: (&'static str, &'static str),
    year: (&'static str, &'static str),
    range: (&'static str, &'static str),
}

pub(crate) const LARGE: Body = Body {
    name: "leeds",
    records: 1_100_782,
    common_word: "ltd",
    rare_word: "haythornthwaite",
    old_word: "chalker",
    units: ("Resources and Housing", "Strategic Land lord"),
    suppliers: ("REDACTED PERSONAL DATA", "Lotus Home Care"),
    month: ("2020-03-01", "2020-03-31"),
    year: ("2020-01-01", "2020-12-31"),
    range: ("2019-04-11", "2020-02-19"),
};

pub(crate) const SMALL: Body = Body {
    name: "harrogate",
    records: 22_426,
    common_word: "ltd",
    rare_word: "dalebuild",
    old_word: "228467",
    units: ("Community", "Economy & Culture"),
    suppliers: ("SURE MAINTENANCE LIMITED", "213805"),
    month: ("2022-05-01", "2022-05-31"),
    year: ("2022-01-01", "2022-12-31"),
    range: ("2022-03-11", "2022-07-19"),
};

/// An organisation that has what the body spent.
pub(crate) struct Organisation {
    pub(crate) body: &'static Body,
    pub(crate) owner: Client,
    pub(crate) pages: Vec<Page>,
    /// Expenses to change.
    pub(crate) changed: Vec<String>,
}

/// A page, by what it is asked for.
pub(crate) struct Page {
    pub(crate) name: &'static str,
    pub(crate) path: String,
    /// Whether the first bytes are all that is waited for.
    pub(crate) is_file: bool,
}

/// How many pages before the deep one there are a thousand expenses on each.
const DEEP: u64 = 100;

impl Organisation {
    /// Adds what an imported file does not have (a few categories, descriptions, budgets, and expenses that wait for somebody), and
    /// makes the deck.
    pub(crate) async fn of(body: &'static Body, owner: Client) -> Self {
        let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date().to_string();
        let mut changed = Vec::new();
        for number in 0..20 {
            let expense = json!({
                "date": today, "amount": format!("{number}.50"), "unit": body.units.0, "category": "Travel",
                "description": format!("Train to London, {number}"),
            });
            changed.push(owner.add(expense).await);
        }
        for (period, unit, category) in
            [("month", "", ""), ("year", "", ""), ("year", body.units.0, ""), ("month", "", "Travel")]
        {
            let budget = json!({"period": period, "amount": "1000000.00", "unit": unit, "category": category});
            owner.post("/api/budgets", budget).await.expect(201);
        }
        let pages = pages(body, &owner, &changed[0]).await;
        Self { body, owner, pages, changed }
    }
}

async fn pages(body: &Body, owner: &Client, expense: &str) -> Vec<Page> {
    let page = |name, path: &str, fields: &[(&str, &str)]| {
        let query = Serializer::new(String::new()).extend_pairs(fields).finish();
        let path = if fields.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
        Page { name, is_file: path.starts_with("/expenses.csv"), path }
    };
    let list = |name, fields: &[(&str, &str)]| page(name, "/expenses", fields);
    let second = place(owner, "newest", 50, 1).await;
    let deep = async |order| place(owner, order, 1_000, DEEP.min(body.records / 2_000)).await;
    let [newest, oldest, largest, smallest] =
        [deep("newest").await, deep("oldest").await, deep("largest").await, deep("smallest").await];
    vec![
        page("overview", "/", &[]),
        list("list: newest", &[]),
        list("list: newest, 2nd page", &[("after", &second)]),
        list("list: newest, deep", &[("after", &newest)]),
        list("list: oldest", &[("order", "oldest")]),
        list("list: oldest, deep", &[("order", "oldest"), ("after", &oldest)]),
        list("list: largest", &[("order", "largest")]),
        list("list: largest, deep", &[("order", "largest"), ("after", &largest)]),
        list("list: smallest", &[("order", "smallest")]),
        list("list: smallest, deep", &[("order", "smallest"), ("after", &smallest)]),
        list("search: a common word", &[("q", body.common_word)]),
        list("search: a rare word", &[("q", body.rare_word)]),
        list("search: a word of long ago", &[("q", body.old_word)]),
        list("search: a word that is not there", &[("q", "qwertyuiop")]),
        list("search: in descriptions", &[("q", "to london")]),
        list("search: a common word, largest", &[("q", body.common_word), ("order", "largest")]),
        list("filter: a large unit", &[("unit", body.units.0)]),
        list("filter: a unit of long ago", &[("unit", body.units.1)]),
        list("filter: a unit of long ago, largest", &[("unit", body.units.1), ("order", "largest")]),
        list("filter: a large supplier", &[("supplier", body.suppliers.0)]),
        list("filter: a supplier of long ago", &[("supplier", body.suppliers.1)]),
        list("filter: a category", &[("category", "Travel")]),
        list("filter: a category that is not there", &[("category", "Astrology")]),
        list("filter: a status", &[("status", "submitted")]),
        list("filter: a month", &[("from", body.month.0), ("to", body.month.1)]),
        list("filter: a year, largest", &[("from", body.year.0), ("to", body.year.1), ("order", "largest")]),
        list(
            "filter: a unit in a month, largest",
            &[("unit", body.units.0), ("from", body.month.0), ("to", body.month.1), ("order", "largest")],
        ),
        list(
            "filter: a unit and a word in a year",
            &[("unit", body.units.0), ("q", body.common_word), ("from", body.year.0), ("to", body.year.1)],
        ),
        page("an expense", &format!("/expenses/{expense}"), &[]),
        page("a form for an expense", "/expenses/new", &[]),
        page("a supplier while it is typed", "/suppliers/like", &[("supplier", body.rare_word)]),
        page("suppliers", "/suppliers", &[]),
        page("suppliers: a word", "/suppliers", &[("q", body.common_word)]),
        page("units", "/units", &[]),
        page("budgets", "/budgets", &[]),
        page("charts: twelve months", "/reports", &[("from", body.year.0), ("to", body.year.1)]),
        page("charts: from the middle of a month", "/reports", &[("from", body.range.0), ("to", body.range.1)]),
        page(
            "charts: a unit, twelve months",
            "/reports",
            &[("unit", body.units.0), ("from", body.year.0), ("to", body.year.1)],
        ),
        page("charts: everything", "/reports?from=&to=", &[]),
        page("CSV: first bytes", "/expenses.csv", &[]),
        page("CSV of a search: first bytes", "/expenses.csv", &[("q", body.common_word)]),
    ]
}

/// The place behind so many pages of the API's list, which is the place of the page's, too.
async fn place(owner: &Client, order: &str, limit: u64, pages: u64) -> String {
    let mut place = String::new();
    for _ in 0..pages {
        let cursor = if place.is_empty() { String::new() } else { format!("&cursor={place}") };
        let path = format!("/api/expenses?order={order}&limit={limit}{cursor}");
        let next: Value = owner.get(&path).await.expect(200).json()["next"].take();
        place = next.as_str().expect("there are more expenses than that").to_owned();
    }
    place
}
