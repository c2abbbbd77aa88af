//! Whether two samples of times come from one distribution: the rank-sum test.

/// What the test says of two samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct RankSum {
    /// How likely a value of the first is larger than one of the second; one half where nothing tells them apart.
    pub(crate) effect: f64,
    /// The rank sum's distance from what chance gives, in standard deviations.
    pub(crate) z: f64,
}

/// The Wilcoxon rank-sum test in the normal approximation, equal values sharing their ranks (Mann and Whitney, "On a Test of
/// Whether one of Two Random Variables is Stochastically Larger than the Other", 1947). For twenty values and more each.
pub(crate) fn rank_sum(first: &[f64], second: &[f64]) -> RankSum {
    let mut all: Vec<(f64, bool)> =
        first.iter().map(|&value| (value, true)).chain(second.iter().map(|&value| (value, false))).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut sum, mut rank) = (0.0, 1.0);
    for equal in all.chunk_by(|a, b| a.0 == b.0) {
        let count = equal.len() as f64;
        let shared = rank + (count - 1.0) / 2.0;
        sum += shared * equal.iter().filter(|(_, is_first)| *is_first).count() as f64;
        rank += count;
    }
    let (n, m) = (first.len() as f64, second.len() as f64);
    let u = sum - n * (n + 1.0) / 2.0;
    let deviation = (n * m * (n + m + 1.0) / 12.0).sqrt();
    RankSum { effect: u / (n * m), z: (u - n * m / 2.0) / deviation }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_that_are_apart_are_told_apart_and_others_are_not() {
        let low: Vec<f64> = (0..30).map(f64::from).collect();
        let high: Vec<f64> = (100..130).map(f64::from).collect();
        assert_eq!(rank_sum(&high, &low).effect, 1.0);
        assert!(rank_sum(&high, &low).z > 6.0 && rank_sum(&low, &high).z < -6.0);
        let same = rank_sum(&low, &low);
        assert!((same.effect - 0.5).abs() < 1e-9 && same.z.abs() < 1e-9, "{same:?}");
    }
}
