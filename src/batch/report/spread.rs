//! How often a number takes which value: numbers in, a histogram out.
//!
//! Numbers are counted in units of 1e-9. Where more than [`MOST`] different ones
//! come, the unit grows by tens until they fit. So memory is bounded, and the
//! result does not depend on the order of the numbers.

use std::collections::BTreeMap;

use serde::Serialize;

/// Most different numbers that are told apart.
const MOST: usize = 1024;
/// Units of 1.
const UNITS: f64 = 1e9;
/// Up to so many different numbers are shown one by one.
const MOST_VALUES: usize = 12;
/// Most bins that are shown.
const MOST_BINS: i64 = 24;

/// A histogram in the making.
#[derive(Clone, Debug)]
pub(super) struct Spread {
    /// Units of 1e-9 in a bin: a power of ten.
    width: i64,
    /// By the number of the bin.
    bins: BTreeMap<i64, u64>,
    least: i64,
    most: i64,
}

/// How often a number takes which value.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Histogram {
    /// In order, without gaps where they are ranges.
    pub bins: Vec<Bin>,
}

/// One bar of a histogram.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Bin {
    /// The least number that counts.
    pub from: f64,
    /// The end of the range, which the last bin alone includes; equal to `from`
    /// where the bar is one value.
    pub to: f64,
    /// How many numbers.
    pub n: u64,
}

impl Default for Spread {
    fn default() -> Self {
        Self {
            width: 1,
            bins: BTreeMap::new(),
            least: i64::MAX,
            most: i64::MIN,
        }
    }
}

impl Spread {
    /// Counts a finite number; one beyond 9e9 counts as the largest that fits.
    pub(super) fn add(&mut self, number: f64) {
        // A cast saturates.
        let unit = (number * UNITS).round() as i64;
        (self.least, self.most) = (self.least.min(unit), self.most.max(unit));
        *self.bins.entry(unit.div_euclid(self.width)).or_default() += 1;
        while self.bins.len() > MOST {
            self.width *= 10;
            let mut wider = BTreeMap::new();
            for (bin, n) in std::mem::take(&mut self.bins) {
                *wider.entry(bin.div_euclid(10)).or_default() += n;
            }
            self.bins = wider;
        }
    }

    /// Few values one by one; else ranges of 1, 2 or 5 times a power of ten.
    pub(super) fn finish(&self) -> Histogram {
        if self.width == 1 && self.bins.len() <= MOST_VALUES {
            let bins = self.bins.iter().map(|(&unit, &n)| Bin {
                from: unit as f64 / UNITS,
                to: unit as f64 / UNITS,
                n,
            });
            return Histogram {
                bins: bins.collect(),
            };
        }
        let step = self.step();
        let per_step = step / self.width;
        let mut counts: BTreeMap<i64, u64> = BTreeMap::new();
        for (bin, n) in &self.bins {
            *counts.entry(bin.div_euclid(per_step)).or_default() += n;
        }
        let first = self.least.div_euclid(step);
        let mut last = self.most.div_euclid(step);
        // The end of the last range belongs to it, as `to` says.
        if last > first && last.saturating_mul(step) == self.most {
            let n = counts.remove(&last).unwrap_or(0);
            last -= 1;
            *counts.entry(last).or_default() += n;
        }
        let bins = (first..=last).map(|bin| Bin {
            from: bin as f64 * (step as f64 / UNITS),
            to: (bin + 1) as f64 * (step as f64 / UNITS),
            n: counts.get(&bin).copied().unwrap_or(0),
        });
        Histogram {
            bins: bins.map(tidy).collect(),
        }
    }

    /// The least step by which few enough bins cover all numbers.
    fn step(&self) -> i64 {
        let mut power = self.width;
        loop {
            for factor in [1, 2, 5] {
                let step = power.saturating_mul(factor);
                let last = self.most.div_euclid(step);
                if last.saturating_sub(self.least.div_euclid(step)) < MOST_BINS {
                    return step;
                }
            }
            power = power.saturating_mul(10);
        }
    }
}

/// The same bin with edges as people write them: `0.3`, not `0.30000000000000004`.
fn tidy(bin: Bin) -> Bin {
    let tidy = |edge: f64| (edge * UNITS).round() / UNITS;
    Bin {
        from: tidy(bin.from),
        to: tidy(bin.to),
        n: bin.n,
    }
}

#[cfg(test)]
mod tests {
    use super::{Bin, Spread};

    fn spread(numbers: impl IntoIterator<Item = f64>) -> Vec<(f64, f64, u64)> {
        let mut spread = Spread::default();
        numbers.into_iter().for_each(|number| spread.add(number));
        let bins = spread.finish().bins.into_iter();
        bins.map(|Bin { from, to, n }| (from, to, n)).collect()
    }

    #[test]
    fn few_values_are_shown_one_by_one() {
        assert_eq!(spread([]), []);
        assert_eq!(
            spread([1.0, 0.1, -0.0, 1.0, 0.1 + 1e-12]),
            [(0.0, 0.0, 1), (0.1, 0.1, 2), (1.0, 1.0, 2)]
        );
    }

    #[test]
    fn many_values_fall_into_ranges() {
        let bins = spread((0..=100).map(|n| f64::from(n) / 100.0));
        assert_eq!(bins.len(), 20);
        assert_eq!(bins[0], (0.0, 0.05, 5));
        // A number on an edge belongs to the range that begins there.
        assert_eq!(bins[6], (0.3, 0.35, 5));
        assert_eq!(bins[19], (0.95, 1.0, 6));
    }

    #[test]
    fn the_order_does_not_matter() {
        let numbers = || (0..5000).map(|n| f64::from(n * 7919 % 5000) / 37.0 - 40.0);
        let mut sorted: Vec<f64> = numbers().collect();
        sorted.sort_by(f64::total_cmp);
        assert_eq!(spread(numbers()), spread(sorted));
        assert_eq!(spread(numbers()).iter().map(|bin| bin.2).sum::<u64>(), 5000);
        assert!(spread(numbers()).len() <= 24);
    }

    #[test]
    fn a_number_beyond_all_bounds_ends_nothing() {
        let bins = spread((0..2000).map(|n| f64::from(n) * 1e300));
        assert_eq!(bins.iter().map(|bin| bin.2).sum::<u64>(), 2000);
        let bins = spread((0..2000).map(|n| f64::from(n - 1000) * 1e8));
        assert_eq!(bins.iter().map(|bin| bin.2).sum::<u64>(), 2000);
    }
}
