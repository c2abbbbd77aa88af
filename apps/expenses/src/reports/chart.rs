//! Where the bars of charts are. Templates draw them; figures stay exact in their tables.

use super::read::{Month, Ranking};
use crate::money::{Total, shown};

/// Columns of a chart at most. More are in its table alone.
const COLUMNS: usize = 72;
/// Months on end without expenses that have places of their own.
const GAP: i32 = 12;
/// Characters of a name in a chart.
const NAME: usize = 40;

const WIDTH: f64 = 720.0;
/// Where columns begin and end; what is left of them is for the axis, what is below for names.
const LEFT: f64 = 80.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 222.0;

/// A bar, with what it stands for.
#[derive(Debug)]
pub(crate) struct Bar {
    pub(crate) x: String,
    pub(crate) y: String,
    pub(crate) width: String,
    pub(crate) height: String,
    pub(crate) is_credit: bool,
    /// What it is, in words.
    pub(crate) label: String,
    /// Where its expenses are.
    pub(crate) href: Option<String>,
}

/// A text or line at a place.
#[derive(Debug)]
pub(crate) struct Mark {
    pub(crate) at: String,
    pub(crate) text: String,
}

/// Months side by side.
#[derive(Debug)]
pub(crate) struct Columns {
    pub(crate) bars: Vec<Bar>,
    /// Heights of the axis, with their amounts.
    pub(crate) ticks: Vec<Mark>,
    pub(crate) names: Vec<Mark>,
    /// Months that are not drawn.
    pub(crate) left_out: usize,
}

impl Columns {
    /// Draws months, which are in their order and each once; `href` says where a month's expenses are.
    pub(crate) fn of(months: &[Month], currency: &str, href: impl Fn(&Month) -> String) -> Self {
        let left_out = months.len().saturating_sub(COLUMNS);
        let places = places(&months[left_out..]);
        let scale = Scale::of(places.iter().flatten().map(|month| month.total.0));
        let step = (WIDTH - LEFT) / places.len().max(1) as f64;
        let width = (step * 0.76).min(60.0);
        let (mut bars, mut names) = (Vec::new(), Vec::new());
        for (number, place) in places.iter().enumerate() {
            let at = tenths(LEFT + step * number as f64 + step * 0.12);
            let Some(month) = place else {
                names.push(Mark { at, text: "…".to_owned() });
                continue;
            };
            if let Some(text) = month.mark(places.len() <= 14) {
                names.push(Mark { at: at.clone(), text });
            }
            let (y, height) = scale.bar(month.total.0);
            let sum = shown(month.total.0, currency);
            bars.push(Bar {
                x: at,
                y: tenths(y),
                width: tenths(width),
                height: tenths(height),
                is_credit: month.total.0 < 0,
                label: format!("{}: {sum}, {}", month.named(), expenses(month.count)),
                href: (month.count > 0).then(|| href(month)),
            });
        }
        let ticks = scale.ticks().map(|minor| Mark { at: tenths(scale.y(minor)), text: short(minor, currency) });
        Self { bars, ticks: ticks.collect(), names, left_out }
    }
}

/// Months on a line of time. Months without expenses have their place too, unless there are many on end: then that is one place
/// without a month.
fn places(months: &[Month]) -> Vec<Option<Month>> {
    let mut places = Vec::new();
    let mut before: Option<&Month> = None;
    for month in months {
        let gap = before.map_or(0, |before| before.first.months_until(month.first) - 1);
        if gap > GAP {
            places.push(None);
        } else {
            places.extend((0..gap).rev().map(|until| Some(Month::empty(month.first.months_away(-until - 1)))));
        }
        places.push(Some(month.clone()));
        before = Some(month);
    }
    places
}

impl Month {
    /// `January 2026`.
    pub(super) fn named(&self) -> String {
        self.first.0.strftime("%B %Y").to_string()
    }

    /// What stands below its column: of few months each has a name, of many every January the year.
    fn mark(&self, is_one_of_few: bool) -> Option<String> {
        match (self.first.0.month(), is_one_of_few) {
            (1, _) => Some(self.first.0.strftime("%Y").to_string()),
            (_, true) => Some(self.first.0.strftime("%b").to_string()),
            (_, false) => None,
        }
    }
}

/// Amounts to heights.
struct Scale {
    lowest: i128,
    highest: i128,
    step: i128,
}

impl Scale {
    /// A scale that has zero and all amounts on it, and about four round amounts to read it by.
    fn of(amounts: impl Iterator<Item = i128>) -> Self {
        let (lowest, highest) =
            amounts.fold((0, 0), |(lowest, highest), amount| (amount.min(lowest), amount.max(highest)));
        let step = round_up((highest - lowest) / 4);
        Self { lowest: lowest.div_euclid(step) * step, highest: -(-highest).div_euclid(step) * step, step }
    }

    fn ticks(&self) -> impl Iterator<Item = i128> {
        let step = self.step;
        (0..=(self.highest - self.lowest) / step).map(move |number| self.lowest + number * step)
    }

    fn y(&self, amount: i128) -> f64 {
        let range = (self.highest - self.lowest).max(1) as f64;
        BOTTOM - (amount - self.lowest) as f64 / range * (BOTTOM - TOP)
    }

    /// Top and height of a column, which begins at zero. No amount but zero is too small to be seen.
    fn bar(&self, amount: i128) -> (f64, f64) {
        let (zero, end) = (self.y(0), self.y(amount));
        let height = (zero - end).abs().max(if amount == 0 { 0.0 } else { 1.0 });
        (if amount < 0 { zero } else { zero - height }, height)
    }
}

/// The next of 1, 2, 5, 10, 20 and so on, in units of the currency.
fn round_up(minor: i128) -> i128 {
    let mut round = 100;
    for factor in [2, 5, 10].iter().cycle() {
        if round >= minor {
            break;
        }
        let power = if *factor == 2 { round } else { round / if *factor == 5 { 2 } else { 5 } };
        round = power * factor;
    }
    round
}

/// An amount for an axis: `£1.5m`.
fn short(minor: i128, currency: &str) -> String {
    let whole = shown(minor / 100 * 100, currency);
    let whole = whole.split('.').next().unwrap_or_default();
    let groups = whole.matches(',').count();
    let Some(unit) = ["", "k", "m", "bn", "tn"].get(groups) else { return whole.to_owned() };
    let (head, rest) = whole.split_once(',').unwrap_or((whole, "0"));
    match rest.as_bytes().first() {
        Some(b'0') | None => format!("{head}{unit}"),
        Some(digit) => format!("{head}.{}{unit}", char::from(*digit)),
    }
}

/// Names below each other, the largest first.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) rows: Vec<Row>,
    pub(super) height: usize,
}

/// A name, what it comes to, and its bar.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) bar: Bar,
    pub(super) name: String,
    pub(super) sum: String,
    pub(super) count: i64,
    pub(super) is_rest: bool,
    /// Where its texts stand.
    pub(super) baseline: usize,
}

const ROW: usize = 44;
const ROW_WIDTH: f64 = 480.0;

impl Rows {
    /// Draws a ranking; `none` is what a name that is empty is called, `href` where a name's expenses are.
    pub(super) fn of(
        ranking: &Ranking,
        currency: &str,
        (none, others): (&str, &str),
        href: impl Fn(&str) -> Option<String>,
    ) -> Self {
        let mut named: Vec<(String, i64, Total, Option<String>, bool)> = ranking
            .top
            .iter()
            .map(|named| {
                let name = if named.name.is_empty() { none.to_owned() } else { cut(&named.name) };
                let href = if named.name.is_empty() { None } else { href(&named.name) };
                (name, named.count, named.total, href, false)
            })
            .collect();
        if ranking.other_names > 0 {
            let name = format!("{} {others}", crate::text::grouped(ranking.other_names));
            named.push((name, ranking.other_count, ranking.other_total, None, true));
        }
        let lowest = named.iter().map(|row| row.2.0).min().unwrap_or(0).min(0);
        let highest = named.iter().map(|row| row.2.0).max().unwrap_or(0).max(0);
        let per_minor = ROW_WIDTH / (highest - lowest).max(1) as f64;
        let zero = -lowest as f64 * per_minor;
        let rows = named.into_iter().enumerate().map(|(number, (name, count, total, href, is_rest))| {
            let length = (total.0.unsigned_abs() as f64 * per_minor).max(if total.0 == 0 { 0.0 } else { 1.0 });
            let x = if total.0 < 0 { zero - length } else { zero };
            let sum = shown(total.0, currency);
            let bar = Bar {
                // Of rounding, and of a bar too short to be seen, a little may be outside.
                x: tenths(x.min(ROW_WIDTH - length).max(0.0)),
                y: (number * ROW + 22).to_string(),
                width: tenths(length),
                height: "12".to_owned(),
                is_credit: total.0 < 0,
                label: format!("{name}: {sum}, {}", expenses(count)),
                href,
            };
            Row { bar, name, sum, count, is_rest, baseline: number * ROW + 16 }
        });
        let rows: Vec<_> = rows.collect();
        Self { height: rows.len() * ROW, rows }
    }
}

fn cut(name: &str) -> String {
    match name.char_indices().nth(NAME) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

fn expenses(count: i64) -> String {
    if count == 1 { "1 expense".to_owned() } else { format!("{} expenses", crate::text::grouped(count)) }
}

fn tenths(length: f64) -> String {
    format!("{length:.1}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::reports::read::Named;

    #[test]
    fn axes_have_round_amounts() {
        for (minor, round) in
            [(0, 100), (100, 100), (101, 200), (201, 500), (501, 1_000), (1_001, 2_000), (51_000, 100_000)]
        {
            assert_eq!(round_up(minor), round, "{minor}");
        }
        for (minor, text) in [
            (0, "£0"),
            (99_900, "£999"),
            (100_000, "£1k"),
            (-150_000_000, "-£1.5m"),
            (2_000_000_000, "£20m"),
            (100_000_000_000, "£1bn"),
        ] {
            assert_eq!(short(minor, "GBP"), text);
        }
    }

    #[test]
    fn long_gaps_take_one_place_and_short_ones_their_own() {
        let month = |first: &str| Month::empty(first.parse().unwrap());
        let months = [month("1019-03-01"), month("2026-01-01"), month("2026-04-01"), month("9999-12-01")];
        let columns = Columns::of(&months, "GBP", |_| String::new());
        assert_eq!(places(&months).len(), 8);
        assert_eq!(places(&months)[3].as_ref().map(Month::named).unwrap(), "February 2026");
        assert_eq!(columns.names.iter().filter(|name| name.text == "…").count(), 2);
    }

    proptest! {
        #[test]
        fn rows_stay_inside(totals in prop::collection::vec(-10_i128.pow(20)..10_i128.pow(20), 0..20), rest in -5_i128..5) {
            let named = |total| Named { name: "a".to_owned(), count: 1, total: Total(total) };
            let top = totals.into_iter().map(named).collect();
            let ranking = Ranking { top, other_names: 1, other_count: 1, other_total: Total(rest) };
            for row in Rows::of(&ranking, "GBP", ("none", "others"), |_| None).rows {
                let (x, width): (f64, f64) = (row.bar.x.parse().unwrap(), row.bar.width.parse().unwrap());
                prop_assert!(x >= 0.0 && x + width <= ROW_WIDTH + 0.2, "{x} {width}");
            }
        }

        #[test]
        fn columns_begin_at_zero_and_stay_inside(amounts in prop::collection::vec(-10_i128.pow(20)..10_i128.pow(20), 1..20)) {
            let scale = Scale::of(amounts.iter().copied());
            prop_assert!(scale.ticks().count() <= 8 && scale.ticks().any(|tick| tick == 0));
            for amount in amounts {
                let (y, height) = scale.bar(amount);
                prop_assert!(y >= TOP - 1.1 && y + height <= BOTTOM + 1.1, "{y} {height}");
                let at_zero = if amount < 0 { y } else { y + height };
                prop_assert!((at_zero - scale.y(0)).abs() < 0.01);
            }
        }
    }
}
