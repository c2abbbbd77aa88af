//! B's ids at A's host: they must be as good as ids that nothing has, also by the clock.

use http::Method;
use uuid::Uuid;

use super::{Target, look_after};
use crate::ScanError;
use crate::client::{Answer, Request};
use crate::rank_sum::rank_sum;
use crate::scan::Scan;

const IDS: &str = "ids of another tenant";
const TIMING: &str = "timing of ids";

/// Pairs of requests whose times are compared, and pairs before them that do not count.
const PAIRS: usize = 80;
const WARM_UP: usize = 10;
/// Times differ when the rank sum is so many standard deviations off, and one id's answer takes longer than the other's in
/// so large a share of pairs, or in so small a one. Chance does the first once in some millions of operations.
const DEVIATIONS: f64 = 5.0;
const SHARE: f64 = 0.75;

pub(super) async fn run(scan: &mut Scan, target: &Target<'_>) -> Result<Vec<&'static str>, ScanError> {
    if target.values.is_empty() {
        return Ok(Vec::new());
    }
    let a = scan.a.client.clone();
    let nothing: Vec<String> = target.values.iter().map(|value| like(value)).collect();
    let mut control = target.request.clone();
    control.path = with_values(&target.request.path, &target.values, &nothing);

    let absent = scan.attack(&a, &control, target.operation, IDS, "asked for what does not exist").await?;
    let answer = scan.attack(&a, &target.request, target.operation, IDS, "asked by the other tenant's id").await?;
    if answer.status.is_success() && !absent.status.is_success() {
        let what = "the other tenant's id is accepted as if it were the own".to_owned();
        scan.find(target.operation, IDS, what, &target.request, &answer);
    } else if differs(&answer, &target.values, &absent, &nothing) {
        let what = format!(
            "the answer to the other tenant's id ({}) is not the one to an id that does not exist ({}): it tells what exists",
            answer.status.as_u16(),
            absent.status.as_u16()
        );
        scan.find(target.operation, IDS, what, &target.request, &answer);
    }
    look_after(scan, target, IDS, "asked by the other tenant's id").await?;
    if target.operation.method != Method::GET {
        return Ok(vec![IDS]);
    }
    compare_times(scan, target, &control).await?;
    Ok(vec![IDS, TIMING])
}

async fn compare_times(scan: &mut Scan, target: &Target<'_>, control: &Request) -> Result<(), ScanError> {
    let a = scan.a.client.clone();
    let (mut foreign, mut absent) = (Vec::new(), Vec::new());
    for pair in 0..WARM_UP + PAIRS {
        // Who comes first changes, so that what one leaves warm for the other evens out.
        let order = if pair % 2 == 0 { [true, false] } else { [false, true] };
        for is_foreign in order {
            let request = if is_foreign { &target.request } else { control };
            let took = a.send(request).await?.took.as_secs_f64();
            if pair >= WARM_UP {
                if is_foreign { foreign.push(took) } else { absent.push(took) }
            }
        }
    }
    scan.report.requests += 2 * (WARM_UP + PAIRS);
    let told = rank_sum(&foreign, &absent);
    if told.z.abs() > DEVIATIONS && (told.effect > SHARE || told.effect < 1.0 - SHARE) {
        let what = format!(
            "answers to the other tenant's id take {} than those to ids that do not exist ({:.0} % of pairs, {:.1} standard deviations)",
            if told.effect > 0.5 { "longer" } else { "less time" },
            100.0 * told.effect.max(1.0 - told.effect),
            told.z.abs()
        );
        let answer = a.send(&target.request).await?;
        scan.find(target.operation, TIMING, what, &target.request, &answer);
    }
    Ok(())
}

/// A value of the same form that nothing has.
fn like(value: &str) -> String {
    if Uuid::parse_str(value).is_ok() {
        return Uuid::new_v4().to_string();
    }
    if let Ok(number) = value.parse::<u64>() {
        return number.wrapping_add(7_777_777).to_string();
    }
    let turned = |c: char| match c {
        'a'..='y' | 'A'..='Y' | '0'..='8' => char::from(c as u8 + 1),
        'z' => 'a',
        'Z' => 'A',
        '9' => '0',
        other => other,
    };
    value.chars().map(turned).collect()
}

fn with_values(path: &str, values: &[String], others: &[String]) -> String {
    let mut path = path.to_owned();
    for (value, other) in values.iter().zip(others) {
        path = path.replace(&crate::client::percent_encoded(value), &crate::client::percent_encoded(other));
    }
    path
}

/// Whether two answers differ in more than the ids that were asked for.
fn differs(answer: &Answer, values: &[String], absent: &Answer, nothing: &[String]) -> bool {
    let neutral = |answer: &Answer, values: &[String]| {
        values.iter().fold(answer.body.clone(), |body, value| body.replace(value.as_str(), "ID"))
    };
    answer.status != absent.status || neutral(answer, values) != neutral(absent, nothing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_exist_has_the_form_of_what_does() {
        assert!(Uuid::parse_str(&like("3f2b8f9e-4a7b-4c1d-9d39-0f6c1a9b2c3d")).is_ok());
        assert_eq!(like("41"), "7777818");
        assert_eq!(like("inv-9Z"), "jow-0A");
        let moved = with_values("/a/x%20y/b", &["x y".to_owned()], &["p q".to_owned()]);
        assert_eq!(moved, "/a/p%20q/b");
    }
}
