//! The numbers game: numbers and a target that an expression of them reaches.
//!
//! Every problem can be solved: it is made from a solution. Numbers are joined
//! two at a time by an operation whose result is a whole number above 0, and
//! what is left at the end is the target. The demonstration shows those steps:
//!
//! ```text
//! prompt   3,8,2=26:
//! answer   <think>3*8=24;24+2=26;</think><answer>(3*8)+2</answer>
//! ```

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::draw::Draw;
use super::part::Split;
use crate::train::fault::{Faults, OptionFault};

/// Which games are asked.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CountdownOptions {
    /// How many numbers, 2 to 6. Default 3.
    #[schemars(range(min = 2, max = 6))]
    pub numbers: u32,
    /// The largest number, 2 to 1000; the least is 1. Default 9.
    #[schemars(range(min = 2, max = 1000))]
    pub max_number: u64,
    /// The largest target, 10 to 1000000. Default 99.
    #[schemars(range(min = 10, max = 1_000_000))]
    pub max_target: u64,
    /// How the problem is put. Default `short`.
    pub wording: Wording,
    /// Share of the demonstrations, from 0 to 1, whose answer misses the target. Default 0.
    #[schemars(range(min = 0, max = 1))]
    pub flawed: f64,
}

/// How a game is put to the policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Wording {
    /// `3,8,2=26:`
    #[default]
    Short,
    /// A sentence, for models that read English.
    Sentence,
}

impl Default for CountdownOptions {
    fn default() -> Self {
        Self {
            numbers: 3,
            max_number: 9,
            max_target: 99,
            wording: Wording::Short,
            flawed: 0.0,
        }
    }
}

impl CountdownOptions {
    pub(super) fn validate(&self) -> Vec<OptionFault> {
        let mut faults = Faults::default();
        let mut within = |field: &str, number: u64, least: u64, most: u64| {
            faults.unless(
                (least..=most).contains(&number),
                field,
                format_args!("is {number}; it must be from {least} to {most}"),
            );
        };
        within("numbers", self.numbers.into(), 2, 6);
        within("max_number", self.max_number, 2, 1000);
        within("max_target", self.max_target, 10, 1_000_000);
        faults.share("flawed", self.flawed);
        faults.list()
    }
}

/// One game with a solution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Game {
    /// In the order in which they are asked.
    pub(super) numbers: Vec<u64>,
    pub(super) target: u64,
    /// The steps of the solution, `3*8=24;`.
    steps: String,
    solution: String,
}

impl Game {
    /// The game of that number, of those that the part has; none where so many tries
    /// found none.
    pub(super) fn draw(
        options: &CountdownOptions,
        split: Split,
        seed: u64,
        index: u64,
        tries: u32,
    ) -> Option<Self> {
        let mut draw = Draw::new(seed, "countdown", index);
        for _ in 0..tries {
            let numbers: Vec<u64> = (0..options.numbers)
                .map(|_| 1 + draw.below(options.max_number))
                .collect();
            let (target, steps, solution) = solve_some(&numbers, &mut draw);
            if target > options.max_target {
                continue;
            }
            let mut sorted = numbers.clone();
            sorted.sort_unstable();
            if split.has(format!("countdown {sorted:?} {target}").as_bytes()) {
                return Some(Self {
                    numbers,
                    target,
                    steps,
                    solution,
                });
            }
        }
        None
    }

    pub(super) fn prompt(&self, wording: Wording) -> String {
        let numbers: Vec<String> = self.numbers.iter().map(u64::to_string).collect();
        let target = self.target;
        match wording {
            Wording::Short => format!("{}={target}:", numbers.join(",")),
            Wording::Sentence => format!(
                "Reach {target} with the numbers {}. Use every number exactly once, with +, -, *, / and brackets.",
                numbers.join(", ")
            ),
        }
    }

    pub(super) fn reference(&self) -> Value {
        json!({ "numbers": self.numbers, "target": self.target })
    }

    /// A worked solution, flawed or not as the draws for `index` say.
    pub(super) fn demonstration(&self, flawed: f64, seed: u64, index: u64) -> String {
        let mut draw = Draw::new(seed, "countdown demonstration", index);
        if !draw.happens(flawed) {
            return worked(&self.steps, &self.solution);
        }
        // Any expression of the numbers that comes out elsewhere; sums and
        // products of one set of numbers differ but for a few sets.
        for _ in 0..100 {
            let (value, steps, expression) = solve_some(&self.numbers, &mut draw);
            if value != self.target {
                return worked(&steps, &expression);
            }
        }
        worked(&self.steps, &self.solution)
    }
}

fn worked(steps: &str, expression: &str) -> String {
    format!("<think>{steps}</think><answer>{expression}</answer>")
}

/// Joins the numbers to one value in a random way: the value, the steps and the
/// expression.
fn solve_some(numbers: &[u64], draw: &mut Draw) -> (u64, String, String) {
    let mut left: Vec<(u64, String)> = numbers
        .iter()
        .map(|number| (*number, number.to_string()))
        .collect();
    let mut steps = String::new();
    while left.len() > 1 {
        draw.shuffle(&mut left);
        let (Some((a, x)), Some((b, y))) = (left.pop(), left.pop()) else {
            break;
        };
        let (sign, value) = loop {
            let joined = match draw.below(4) {
                0 => Some(('+', a + b)),
                1 if a > b => Some(('-', a - b)),
                2 => a.checked_mul(b).map(|product| ('*', product)),
                3 if a % b == 0 => Some(('/', a / b)),
                _ => None,
            };
            if let Some(joined) = joined {
                break joined;
            }
        };
        steps += &format!("{a}{sign}{b}={value};");
        left.push((value, format!("({x}{sign}{y})")));
    }
    let (value, expression) = left.pop().unwrap_or_default();
    // The brackets round the whole say nothing.
    let inner = expression
        .strip_prefix('(')
        .and_then(|text| text.strip_suffix(')'));
    let expression = match inner {
        Some(inner) if numbers.len() > 1 => inner.to_owned(),
        _ => expression,
    };
    (value, steps, expression)
}
