//! Which tenant the next request is for.

use rand::RngExt;
use rand::rngs::SmallRng;

/// How requests spread over tenants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spread {
    /// One tenant has them all.
    One,
    /// Every tenant is as likely.
    Uniform,
    /// Zipf's law with exponent 1.1: a few tenants have most of them.
    Zipf,
}

impl Spread {
    pub(crate) const ALL: [Self; 3] = [Self::One, Self::Uniform, Self::Zipf];

    pub(crate) fn name(self, tenants: usize) -> String {
        match self {
            Self::One => "1".to_owned(),
            Self::Uniform => format!("{tenants}, uniform"),
            Self::Zipf => format!("{tenants}, Zipf(1.1)"),
        }
    }
}

/// Draws tenants as numbers from 0 on.
#[derive(Clone, Debug)]
pub(crate) struct Picker {
    /// The share of tenants up to each one; the last is 1.
    cumulative: Vec<f64>,
}

impl Picker {
    pub(crate) fn new(spread: Spread, tenants: usize) -> Self {
        let weight = |rank: usize| match spread {
            Spread::One => f64::from(u8::from(rank == 1)),
            Spread::Uniform => 1.0,
            Spread::Zipf => (rank as f64).powf(-1.1),
        };
        let total: f64 = (1..=tenants).map(weight).sum();
        let cumulative = (1..=tenants).scan(0.0, |sum, rank| {
            *sum += weight(rank) / total;
            Some(*sum)
        });
        Self { cumulative: cumulative.collect() }
    }

    pub(crate) fn pick(&self, random: &mut SmallRng) -> usize {
        let point: f64 = random.random();
        self.cumulative.partition_point(|share| *share <= point).min(self.cumulative.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn one_is_always_the_same_tenant_and_zipf_prefers_the_first() {
        let mut random = SmallRng::seed_from_u64(1);
        let one = Picker::new(Spread::One, 1_000);
        assert!((0..1_000).all(|_| one.pick(&mut random) == 0));
        let mut count = |spread| {
            let picker = Picker::new(spread, 1_000);
            (0..10_000).filter(|_| picker.pick(&mut random) < 10).count()
        };
        assert!(count(Spread::Zipf) > 4_000);
        assert!(count(Spread::Uniform) < 200);
    }
}
