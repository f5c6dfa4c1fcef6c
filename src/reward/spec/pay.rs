//! Checks on what a spec pays: finite numbers, and no pay that makes it better
//! to fail than to be right.

use toml::Spanned;

use super::read::ReadReward;
use super::reader::Reader;
use super::{Clip, Combine, Kind, NullOr, Payout};

/// Far above any reward in use, far below where `scale_by` products overflow.
const LARGEST_PAY: f64 = 1e12;

/// The least that all rewards can come to, and at most 0: what a closed gate
/// pays by default, so that closing it never beats being judged.
pub(super) fn least_total(rewards: &[ReadReward]) -> f64 {
    let least = |read: &ReadReward| {
        let weight = read.reward.weight;
        let values = read.reward.payout.all().map(|pay| pay * weight);
        values.into_iter().fold(0.0, f64::min)
    };
    rewards.iter().map(least).sum()
}

impl Payout {
    /// Everything that it may pay.
    fn all(&self) -> [f64; 5] {
        let unknown = self.unknown.0.unwrap_or(0.0);
        [
            self.correct,
            self.wrong,
            self.no_answer(),
            self.gated(),
            unknown,
        ]
    }
}

impl Reader<'_> {
    pub(super) fn finite(&mut self, name: &str, given: Spanned<f64>) -> f64 {
        if !given.get_ref().is_finite() {
            self.report(
                given.span(),
                format!("`{name}` is not finite"),
                "expected a finite number",
                None,
            );
            return 1.0;
        }
        given.into_inner()
    }

    pub(super) fn clip(&mut self, given: Spanned<Vec<f64>>) -> Option<Clip> {
        let help = match given.get_ref()[..] {
            [low, high] if low.is_finite() && high.is_finite() && low <= high => {
                return Some(Clip { low, high });
            }
            [low, high] if low > high => Some(format!("write `[{high:?}, {low:?}]`")),
            _ => None,
        };
        let label = "expected `[low, high]`, two finite numbers with low <= high";
        self.report(given.span(), "`clip` is not an interval", label, help);
        None
    }

    /// Being right must pay more than anything else, and a product of two
    /// penalties must not be a reward.
    pub(super) fn check_pays(&mut self, rewards: &[ReadReward]) {
        let is_negative = |read: &ReadReward| read.reward.payout.all().iter().any(|pay| *pay < 0.0);
        for read in rewards {
            let name = &read.reward.name;
            let payout = &read.reward.payout;
            let others = [
                ("wrong", payout.wrong),
                ("no_answer", payout.no_answer()),
                ("unknown", payout.unknown.0.unwrap_or(f64::MIN)),
            ];
            let is_measure = matches!(read.reward.kind, Kind::Measure(_));
            for (other, pay) in others {
                if pay >= payout.correct && !is_measure {
                    let title = format!("`[rewards.{name}]` pays `{other}` no less than `correct`");
                    let label = format!(
                        "`correct` pays {:?}, `{other}` pays {pay:?}",
                        payout.correct
                    );
                    self.report(read.kind_span.clone(), title, label, None);
                    break;
                }
            }
            let Some(scale) = read.reward.scale_by.and_then(|index| rewards.get(index)) else {
                continue;
            };
            if is_negative(read) && is_negative(scale) {
                let title = format!("`[rewards.{name}]` would pay for failing twice");
                let label = "the product of two negative values is positive";
                let help = format!(
                    "let `{name}` or `{}` pay nothing below 0",
                    scale.reward.name
                );
                self.report(read.kind_span.clone(), title, label, Some(help));
            }
        }
    }

    /// A table looks at verdicts alone: what else a reward says would be
    /// silently ignored.
    pub(super) fn check_unused(&mut self, rewards: &[ReadReward]) {
        for read in rewards {
            for (key, span) in &read.pay_keys {
                let title = format!("`{key}` does nothing with `mode = \"table\"`");
                let label = "the table says what each verdict pays";
                self.report(span.clone(), title, label, Some(format!("remove `{key}`")));
            }
        }
    }

    /// The total must be a finite number whatever the verdicts.
    pub(super) fn check_range(&mut self, rewards: &[ReadReward], combine: &Combine) {
        let mut bound = 0.0_f64;
        for read in rewards {
            let payout = &read.reward.payout;
            let pays = payout.all();
            let weight = read.reward.weight.abs();
            let largest = pays
                .iter()
                .fold(0.0, |largest: f64, pay| largest.max(pay.abs()));
            let summed = pays.iter().sum::<f64>();
            bound += weight * largest;
            if !summed.is_finite() || !bound.is_finite() || largest.max(weight) > LARGEST_PAY {
                let title = format!(
                    "`[rewards.{}]` may pay a number that is not finite",
                    read.reward.name
                );
                let label = format!(
                    "every pay and weight must be between -{LARGEST_PAY:e} and {LARGEST_PAY:e}"
                );
                self.report(read.kind_span.clone(), title, label, None);
                return;
            }
        }
        let NullOr(on_error) = combine.on_error;
        if on_error.is_some_and(|number| !number.is_finite()) {
            self.report(
                0..0,
                "`on_error` is not finite",
                "expected `\"null\"` or a finite number",
                None,
            );
        }
    }
}
