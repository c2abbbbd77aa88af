//! The table of a run, as the document has it.

use crate::deck::Organisation;
use crate::load::{Sample, Samples};

impl Sample {
    /// The time that this share of the requests took at most, in milliseconds.
    fn percentile(&self, share: f64) -> f64 {
        let mut times = self.times.clone();
        times.sort_unstable();
        let place = (times.len() as f64 * share).ceil() as usize;
        times.get(place.saturating_sub(1)).map_or(f64::NAN, |time| time.as_secs_f64() * 1_000.0)
    }

    fn kilobytes(&self) -> f64 {
        self.bytes as f64 / 1_000.0 / self.times.len() as f64
    }
}

/// Prints a row for each page: alone, under load, and how many times the small organisation's time the large one's is.
pub(crate) fn print(organisations: &[Organisation; 2], alone: &[Samples; 2], mixed: &[Samples; 2]) {
    let [large, small] = organisations.each_ref().map(|organisation| organisation.body.name);
    println!(
        "| milliseconds | {large}, alone: p50 | under load: p50 | p99 | max | requests | kB | {small}, alone: p50 | under load: p50 | p99 | max | requests | kB | p50 alone : | p50 : | p99 : |"
    );
    println!("|---|{}", "---:|".repeat(15));
    for (place, page) in organisations[0].pages.iter().enumerate() {
        row(
            page.name,
            [&alone[0].pages[place], &alone[1].pages[place]],
            [&mixed[0].pages[place], &mixed[1].pages[place]],
        );
    }
    let nothing = Sample::default();
    row("an expense is changed", [&nothing, &nothing], [&mixed[0].changes, &mixed[1].changes]);
    let all = mixed.each_ref().map(|samples| samples.pages.iter().map(|sample| sample.times.len()).sum::<usize>());
    println!("\n{} requests of {large} and {} of {small} under load.", all[0], all[1]);
}

fn row(name: &str, alone: [&Sample; 2], mixed: [&Sample; 2]) {
    print!("| {name} ");
    for (alone, mixed) in alone.iter().zip(mixed) {
        print!("| {} ", cell(alone.percentile(0.5)));
        for share in [0.5, 0.99, 1.0] {
            print!("| {} ", cell(mixed.percentile(share)));
        }
        print!("| {} | {} ", mixed.times.len(), cell(mixed.kilobytes()));
    }
    let ratio = |of: [&Sample; 2], share| cell(of[0].percentile(share) / of[1].percentile(share));
    println!("| {} | {} | {} |", ratio(alone, 0.5), ratio(mixed, 0.5), ratio(mixed, 0.99));
}

fn cell(number: f64) -> String {
    if number.is_nan() { String::new() } else { format!("{number:.1}") }
}
