//! `code = { … }`: the options of the code reward as a spec writes them, flat.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::code::{CodeLimits, CodeOptions, Credit, Objects, Stop};

/// `code = { … }`, beside the payout.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CodeReward {
    /// Language of the programs: `python`. Fences with another label are no answer.
    pub language: String,
    /// The guest that runs them, where it is not the language's own. A task may
    /// name another.
    pub guest: Option<String>,
    /// What k of n passed tests are worth: `binary` (default) nothing unless
    /// k = n, `fraction` k / n, `weighted` a little for each and most for all.
    #[schemars(with = "CreditName")]
    pub credit: Credit,
    /// Fuel (WebAssembly instructions, roughly) for one test.
    #[schemars(range(min = 1))]
    pub fuel: u64,
    /// Fuel for all tests of a task together.
    #[schemars(range(min = 1))]
    pub total_fuel: u64,
    /// Memory in MiB that a program may add to what the interpreter has.
    #[schemars(range(min = 1))]
    pub memory_mb: u64,
    /// Standard output in KiB.
    #[schemars(range(min = 1))]
    pub output_kb: u64,
    /// Wall clock in milliseconds for one test: a backstop. A row that meets it
    /// has no reward.
    #[schemars(range(min = 1))]
    pub wall_ms: u64,
    /// Seeds everything random inside the guest.
    pub seed: u64,
    /// Whether tests may hold the solution's objects: `build` (default) or `full`.
    #[schemars(with = "ObjectsName")]
    pub objects: Objects,
}

impl Default for CodeReward {
    fn default() -> Self {
        let CodeOptions {
            guest,
            limits,
            seed,
            objects,
            ..
        } = CodeOptions::default();
        Self {
            language: guest,
            guest: None,
            credit: Credit::default(),
            fuel: limits.fuel,
            total_fuel: limits.total_fuel,
            memory_mb: limits.memory_mb,
            output_kb: limits.output_kb,
            wall_ms: limits.wall_ms,
            seed,
            objects,
        }
    }
}

impl CodeReward {
    /// The same, as the code verifier takes them.
    pub(crate) fn options(&self) -> CodeOptions {
        CodeOptions {
            guest: self.guest().to_owned(),
            limits: CodeLimits {
                fuel: self.fuel,
                total_fuel: self.total_fuel,
                memory_mb: self.memory_mb,
                output_kb: self.output_kb,
                wall_ms: self.wall_ms,
                ..CodeLimits::default()
            },
            seed: self.seed,
            // Partial credit has to count every test.
            stop: match self.credit {
                Credit::Binary => Stop::FirstFailure,
                Credit::Fraction | Credit::Weighted => Stop::Never,
            },
            objects: self.objects,
            ..CodeOptions::default()
        }
    }

    /// The guest that programs run in, unless a task names another.
    pub(crate) fn guest(&self) -> &str {
        self.guest.as_deref().unwrap_or(&self.language)
    }
}

/// `efficiency = { … }`, beside the keys of all measures.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EfficiencyOptions {
    /// What a program's fuel is compared with: `group` (default) or `reference`.
    pub against: Against,
}

/// What a program's fuel is compared with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Against {
    /// The least fuel of any program of the group that passes.
    #[default]
    Group,
    /// The fuel of the task's `reference_solution`.
    Reference,
}

/// The names of [`Credit`], for the schema.
#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(dead_code, reason = "only the schema is generated from it")]
enum CreditName {
    Binary,
    Fraction,
    Weighted,
}

/// The names of [`Objects`], for the schema.
#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(dead_code, reason = "only the schema is generated from it")]
enum ObjectsName {
    Build,
    Full,
}
