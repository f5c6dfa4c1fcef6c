//! Data sets as they are published, made into native rows: prompts with what their
//! answers are judged by.
//!
//! ```
//! use goldstone::import::Source;
//!
//! let row = r#"{"question": "What is 6 times 7?", "answer": "6 * 7 = 42\n#### 42"}"#;
//! let task = Source::Gsm8k.convert(&serde_json::from_str(row)?, 1)?;
//! assert_eq!(task["reference"], "42");
//! assert_eq!(task["prompt"], "What is 6 times 7?");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod answers;
mod code;
mod fields;

use serde_json::{Map, Value, json};

use fields::Fields;

/// A data set whose rows can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Source {
    /// OpenAI's HumanEval (arXiv 2107.03374).
    HumanEval,
    /// MBPP, whole or sanitized (arXiv 2108.07732).
    Mbpp,
    /// HumanEval+ and MBPP+ with their test programs (arXiv 2305.01210), as on the
    /// Hugging Face Hub.
    EvalPlus,
    /// LiveCodeBench's code generation (arXiv 2403.07974).
    LiveCodeBench,
    /// DeepMind's CodeContests (arXiv 2203.07814).
    CodeContests,
    /// APPS (arXiv 2105.09938) and TACO.
    Apps,
    /// GSM8K (arXiv 2110.14168).
    Gsm8k,
    /// MATH (arXiv 2103.03874) and MATH-500.
    Math,
    /// AIME, by year.
    Aime,
}

/// A row that is not of its data set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}; a row of {source_name} has {shape}")]
pub struct ImportError {
    /// What is wrong.
    pub problem: String,
    /// The data set.
    pub source_name: &'static str,
    /// The fields that its rows have.
    pub shape: &'static str,
}

impl Source {
    /// All of them, in the order in which they are listed.
    pub const ALL: [Self; 9] = [
        Self::HumanEval,
        Self::Mbpp,
        Self::EvalPlus,
        Self::LiveCodeBench,
        Self::CodeContests,
        Self::Apps,
        Self::Gsm8k,
        Self::Math,
        Self::Aime,
    ];

    /// Its name on the command line, and the `data_source` of its rows.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::HumanEval => "humaneval",
            Self::Mbpp => "mbpp",
            Self::EvalPlus => "evalplus",
            Self::LiveCodeBench => "livecodebench",
            Self::CodeContests => "codecontests",
            Self::Apps => "apps",
            Self::Gsm8k => "gsm8k",
            Self::Math => "math",
            Self::Aime => "aime",
        }
    }

    /// The fields that its rows have.
    #[must_use]
    pub fn shape(self) -> &'static str {
        match self {
            Self::HumanEval => "`task_id`, `prompt`, `entry_point`, `canonical_solution`, `test`",
            Self::Mbpp => "`task_id`, `text` or `prompt`, `code`, `test_list`",
            Self::EvalPlus => {
                "`task_id`, `prompt`, `canonical_solution` or `code`, and `test`, a program (the Hub's `evalplus/humanevalplus` and `evalplus/mbppplus`)"
            }
            Self::LiveCodeBench => {
                "`question_id`, `question_content`, `starter_code`, `public_test_cases`, `private_test_cases`, `metadata`"
            }
            Self::CodeContests => "`name`, `description`, `public_tests`, `private_tests`",
            Self::Apps => "`question`, `input_output`, and for functions `starter_code`",
            Self::Gsm8k => "`question`, and `answer` with `####` before its last line",
            Self::Math => "`problem`, and `solution` with a box or `answer`",
            Self::Aime => "`problem` or `question`, and `answer`, a whole number",
        }
    }

    /// The native row of one of its rows: `id`, `task`, `data_source`, `prompt`, and
    /// `reference` or `tests`. `number` names a row that has no name, 1-based.
    ///
    /// # Errors
    /// [`ImportError`] for a row without the fields of the data set.
    pub fn convert(
        self,
        row: &Map<String, Value>,
        number: u64,
    ) -> Result<Map<String, Value>, ImportError> {
        let fields = Fields { row, source: self };
        let mut task = match self {
            Self::HumanEval => code::human_eval(&fields),
            Self::Mbpp => code::mbpp(&fields),
            Self::EvalPlus => code::eval_plus(&fields),
            Self::LiveCodeBench => code::live_code_bench(&fields),
            Self::CodeContests => code::code_contests(&fields),
            Self::Apps => code::apps(&fields),
            Self::Gsm8k => answers::gsm8k(&fields),
            Self::Math => answers::math(&fields),
            Self::Aime => answers::aime(&fields),
        }?;
        let name = self.name();
        let id = match task.remove("id") {
            Some(Value::String(id)) if !id.is_empty() => id,
            _ => number.to_string(),
        };
        let id = match id.contains('/') {
            true => id,
            false => format!("{name}/{id}"),
        };
        let mut native = Map::new();
        native.insert("id".to_owned(), json!(id));
        native.insert("group".to_owned(), json!(id));
        native.extend(task);
        native.insert("data_source".to_owned(), json!(name));
        Ok(native)
    }
}

/// A rollout of `task`: the same row with a completion. `index` counts the
/// completions of the task, from 0.
#[must_use]
pub fn with_completion(
    task: &Map<String, Value>,
    completion: &Value,
    index: u64,
) -> Map<String, Value> {
    let mut row = task.clone();
    let group = row.get("group").and_then(Value::as_str).unwrap_or_default();
    row.insert("id".to_owned(), json!(format!("{group}/{index}")));
    row.insert("sample_index".to_owned(), json!(index));
    row.insert("completion".to_owned(), completion.clone());
    row
}

/// A completion of a code task as the text that a model would have written: a program
/// that goes on where the prompt ends (a `completion` of HumanEval, or of HumanEval+), or a whole one, in a
/// block of code; a text with a block of its own stays as it is.
#[must_use]
pub fn program_text(task: &Map<String, Value>, sample: &str, goes_on: bool) -> String {
    if sample.contains("```") || !task.contains_key("tests") {
        return sample.to_owned();
    }
    let kind = task.get("tests").and_then(|tests| tests.get("type"));
    let is_begun = kind.and_then(Value::as_str) == Some("check");
    let prompt = task
        .get("prompt")
        .and_then(Value::as_str)
        .unwrap_or_default();
    match goes_on && is_begun {
        true => format!("```python\n{prompt}{sample}\n```"),
        false => format!("```python\n{sample}\n```"),
    }
}
