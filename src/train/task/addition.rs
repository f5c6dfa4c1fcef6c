//! Sums of two numbers, worked column by column with carries.
//!
//! The prompt is `047+385=`, the operands padded with zeros. A demonstration
//! thinks from the last column to the first, one step a column (digit, digit,
//! carry, two-digit sum), and answers:
//!
//! ```text
//! <think>7+5+0=12;4+8+1=13;0+3+1=04;</think><answer>432</answer>
//! ```
//!
//! A demonstration may be flawed on purpose: a policy that copies flaws leaves
//! reinforcement learning something to do.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::draw::Draw;
use super::part::Split;
use crate::train::fault::{Faults, OptionFault};

/// Which sums are asked.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AdditionOptions {
    /// Digits of each operand, 1 to 9. Default 3.
    #[schemars(range(min = 1, max = 9))]
    pub digits: u32,
    /// Which demonstrations are flawed; none by default.
    pub flaws: AdditionFlaws,
}

/// How often a demonstration goes wrong, each from 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AdditionFlaws {
    /// Share of the demonstrations that forget every carry. From one half on,
    /// forgetting is the likeliest continuation, so that greedy decoding is
    /// wrong as well. Default 0.
    #[schemars(range(min = 0, max = 1))]
    pub carry: f64,
    /// Share of the columns whose sum is off by one. Default 0.
    #[schemars(range(min = 0, max = 1))]
    pub slip: f64,
    /// Share of the demonstrations that lack one of the four tags. Default 0.
    #[schemars(range(min = 0, max = 1))]
    pub format: f64,
}

impl Default for AdditionOptions {
    fn default() -> Self {
        Self {
            digits: 3,
            flaws: AdditionFlaws::default(),
        }
    }
}

impl AdditionOptions {
    pub(super) fn validate(&self) -> Vec<OptionFault> {
        let mut faults = Faults::default();
        let digits = self.digits;
        faults.unless(
            (1..=9).contains(&digits),
            "digits",
            format_args!("is {digits}; it must be from 1 to 9"),
        );
        faults.share("flaws.carry", self.flaws.carry);
        faults.share("flaws.slip", self.flaws.slip);
        faults.share("flaws.format", self.flaws.format);
        faults.list()
    }
}

/// One sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sum {
    pub(super) left: u64,
    pub(super) right: u64,
    digits: u32,
}

impl Sum {
    /// The sum of that number, of those that the part has; none where so many tries
    /// found none.
    pub(super) fn draw(
        options: &AdditionOptions,
        split: Split,
        seed: u64,
        index: u64,
        tries: u32,
    ) -> Option<Self> {
        let mut draw = Draw::new(seed, "addition", index);
        let bound = 10_u64.pow(options.digits);
        (0..tries).find_map(|_| {
            let sum = Self {
                left: draw.below(bound),
                right: draw.below(bound),
                digits: options.digits,
            };
            split.has(sum.key().as_bytes()).then_some(sum)
        })
    }

    /// What is held out: `a+b` together with `b+a`, the worked solution of which
    /// says as much.
    fn key(self) -> String {
        let (less, more) = (self.left.min(self.right), self.left.max(self.right));
        format!("addition {less} {more}")
    }

    pub(super) fn prompt(self) -> String {
        let width = self.digits as usize;
        format!("{:0width$}+{:0width$}=", self.left, self.right)
    }

    pub(super) fn reference(self) -> String {
        (self.left + self.right).to_string()
    }

    /// A worked solution, flawed or not as the draws for `index` say.
    pub(super) fn demonstration(self, flaws: AdditionFlaws, seed: u64, index: u64) -> String {
        let mut draw = Draw::new(seed, "addition demonstration", index);
        let forgets = draw.happens(flaws.carry);
        let (mut left, mut right, mut carry) = (self.left, self.right, 0);
        let (mut total, mut unit) = (0, 1);
        let mut steps = String::new();
        for _ in 0..self.digits {
            let (a, b) = (left % 10, right % 10);
            let mut sum = a + b + carry;
            if draw.happens(flaws.slip) {
                sum = if draw.happens(0.5) {
                    sum + 1
                } else {
                    sum.saturating_sub(1)
                };
            }
            steps += &format!("{a}+{b}+{carry}={sum:02};");
            total += sum % 10 * unit;
            carry = if forgets { 0 } else { sum / 10 };
            (left, right, unit) = (left / 10, right / 10, unit * 10);
        }
        total += carry * unit;
        let mut tags = ["<think>", "</think>", "<answer>", "</answer>"];
        if draw.happens(flaws.format) {
            tags[draw.below(4) as usize] = "";
        }
        format!("{}{steps}{}{}{total}{}", tags[0], tags[1], tags[2], tags[3])
    }
}
