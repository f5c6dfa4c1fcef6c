//! Which schema a record has, by the names of its fields alone.
//!
//! A schema fits where all fields are there that it cannot do without. Of those that
//! fit, one is left out whose fields another one knows as well, and more. A record
//! of which two schemas each know a field that the other does not is ambiguous, and
//! nobody guesses: the two may disagree on what the reference is. The native schema
//! is the exception: where it fits and knows a field of its own, it is meant. It
//! reads the same completion as the others would, and never another reference.

use super::{Record, Schema};

/// A schema that fits a record, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Detected {
    /// The schema.
    pub schema: Schema,
    /// The fields of the record that it knows.
    pub fields: Vec<&'static str>,
}

/// A record that several schemas fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("several schemas fit its fields: {}", listed(.candidates))]
pub struct Ambiguous {
    /// They, and what each knows.
    pub candidates: Vec<Detected>,
}

/// What a schema looks like.
struct Signs {
    schema: Schema,
    /// Of each list, one at least is there.
    required: &'static [&'static [&'static str]],
    /// What else may be there.
    known: &'static [&'static str],
}

const ANSWERS: [&str; 3] = ["solution", "answer", "ground_truth"];

const SIGNS: [Signs; 14] = [
    Signs {
        schema: Schema::Native,
        required: &[&["completion"]],
        known: &[
            "prompt",
            "reference",
            "tests",
            "group",
            "sample_index",
            "n_tokens",
            "finish_reason",
            "extra",
            "status",
            "terms",
        ],
    },
    Signs {
        schema: Schema::Trl,
        required: &[&["prompt"], &["completion", "completions"], &ANSWERS],
        known: &[],
    },
    Signs {
        schema: Schema::TrlLog,
        required: &[&["step"], &["prompt"], &["completion"], &["advantage"]],
        known: &ANSWERS,
    },
    Signs {
        schema: Schema::Verl,
        required: &[&["data_source"], &["prompt"], &["reward_model"]],
        known: &["ability", "extra_info", "responses", "response"],
    },
    Signs {
        schema: Schema::VerlDump,
        required: &[&["input"], &["output"], &["score"], &["step"]],
        known: &["gts", "acc", "request_id", "uid"],
    },
    Signs {
        schema: Schema::Verifiers,
        required: &[&["example_id"], &["prompt"], &["completion"], &["reward"]],
        known: &[
            "answer",
            "info",
            "task",
            "metrics",
            "is_completed",
            "is_truncated",
            "stop_condition",
            "timing",
            "token_usage",
            "tool_defs",
        ],
    },
    Signs {
        schema: Schema::Traces,
        required: &[&["traces"], &["task"]],
        known: &["id", "env", "group", "run", "ok", "is_timeout", "errors"],
    },
    Signs {
        schema: Schema::Openr1,
        required: &[&["generations"], &["problem", "question"]],
        known: &[
            "solution",
            "answer",
            "source",
            "uuid",
            "messages",
            "finish_reasons",
            "correctness_math_verify",
            "correctness_llama",
        ],
    },
    Signs {
        schema: Schema::OpenInstruct,
        required: &[&["messages"], &["ground_truth"], &["dataset"]],
        known: &[],
    },
    Signs {
        schema: Schema::Skyrl,
        required: &[&["prompt"], &["env_class"], &["reward_spec"]],
        known: &["data_source", "extra_info", "responses", "response"],
    },
    Signs {
        schema: Schema::SkyrlDump,
        required: &[&["input_prompt"], &["output_response"]],
        known: &[
            "score",
            "stop_reason",
            "env_class",
            "env_extras",
            "data_source",
        ],
    },
    Signs {
        schema: Schema::LmEval,
        required: &[&["doc_id"], &["doc"], &["resps"]],
        known: &["target", "arguments", "filtered_resps", "filter", "metrics"],
    },
    Signs {
        schema: Schema::Pairs,
        required: &[&["chosen"], &["rejected"]],
        known: &["prompt", "solution", "answer", "ground_truth"],
    },
    Signs {
        schema: Schema::Responses,
        required: &[&["prompt"], &["response"]],
        known: &["label"],
    },
];

/// The schema of a record; the native one where none fits, so that its complaint of
/// a missing completion is heard.
///
/// # Errors
/// [`Ambiguous`] where the fields do not decide.
pub fn detect(record: &Record<'_>) -> Result<Detected, Ambiguous> {
    let names: Vec<&str> = record.columns().map(|(name, _)| name).collect();
    let fits: Vec<Detected> = SIGNS.iter().filter_map(|signs| signs.fit(&names)).collect();
    let is_known_by_another = |one: &Detected| {
        let knows_more = |other: &Detected| {
            other.fields.len() > one.fields.len()
                && one.fields.iter().all(|name| other.fields.contains(name))
        };
        fits.iter().any(knows_more)
    };
    let mut candidates: Vec<Detected> = fits
        .iter()
        .filter(|one| !is_known_by_another(one))
        .cloned()
        .collect();
    let native = candidates
        .iter()
        .position(|one| one.schema == Schema::Native);
    match (candidates.len(), native) {
        (0, _) => Ok(Detected {
            schema: Schema::Native,
            fields: Vec::new(),
        }),
        (1, _) => Ok(candidates.remove(0)),
        (_, Some(native)) => Ok(candidates.remove(native)),
        (_, None) => Err(Ambiguous { candidates }),
    }
}

impl Signs {
    fn fit(&self, names: &[&str]) -> Option<Detected> {
        let is_there = |name: &&&'static str| names.contains(*name);
        let mut fields = Vec::new();
        for alternatives in self.required {
            let before = fields.len();
            fields.extend(alternatives.iter().filter(is_there).copied());
            if fields.len() == before {
                return None;
            }
        }
        fields.extend(self.known.iter().filter(is_there).copied());
        Some(Detected {
            schema: self.schema,
            fields,
        })
    }
}

fn listed(candidates: &[Detected]) -> String {
    let each = |one: &Detected| format!("{} ({})", one.schema, one.fields.join(", "));
    let listed: Vec<String> = candidates.iter().map(each).collect();
    listed.join("; ")
}
