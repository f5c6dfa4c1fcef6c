//! Batch scoring: files of rollouts in, files of scores and a summary out.
//!
//! One output line per input line, in input order, whatever failed; the same
//! bytes for any number of threads; flat memory; and a killed run resumes with
//! nothing lost and nothing doubled. Reading order: [`Inputs`] are opened and
//! cut into lines, a [`Judge`] scores each, rows are written to a stream or to
//! an [`OutputFile`], and a [`Summary`] counts them. Lines that are no rollouts
//! become rows with an error, never a reward.
//!
//! ```
//! use goldstone::batch::{Batch, BatchOptions, Control, Input, Inputs};
//! use goldstone::load;
//!
//! # let folder = std::env::temp_dir().join(format!("goldstone-doc-{}", std::process::id()));
//! # std::fs::create_dir_all(&folder)?;
//! # let path = folder.join("rollouts.jsonl");
//! std::fs::write(&path, concat!(
//!     r#"{"completion": "<think>…</think><answer>42</answer>", "reference": "42"}"#, "\n",
//!     r#"{"completion": "<think>…</thi"#, "\n",
//! ))?;
//! let inputs = Inputs::check(vec![Input::named(&path)])?;
//! let mut out = Vec::new();
//! let report = Batch {
//!     judge: &load::spec("r1-zero")?,
//!     inputs: &inputs,
//!     options: &BatchOptions::default(),
//!     control: &Control::default(),
//! }
//! .run(&mut out)?;
//! let rows: Vec<serde_json::Value> =
//!     out.split(|byte| *byte == b'\n').filter_map(|row| serde_json::from_slice(row).ok()).collect();
//! assert_eq!(rows[0]["reward"], 2.0);
//! // The cut line is still a row, with an error in place of a reward.
//! assert_eq!(rows[1]["status"], "error");
//! assert_eq!(rows[1]["error"]["line"], 2);
//! assert_eq!(report.summary.data_errors, 1);
//! # std::fs::remove_dir_all(&folder)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod absent;
mod confirm;
mod container;
mod counted;
mod diff;
mod groups;
mod input;
mod judge;
mod keep;
mod lines;
mod manifest;
mod output;
#[cfg(feature = "parquet")]
mod parquet;
mod pipeline;
mod reader;
pub mod report;
mod resume;
mod run;
mod samples;
mod schemas;
mod select;
mod shares;
mod summary;
mod threads;

pub use absent::AbsentField;
pub use confirm::{ConfirmError, Confirmed, Difference, FieldDifference, Sides, confirm};
pub use container::{Container, RowKind, RowWriter};
pub use diff::{
    Change, ChangeKind, Diff, DiffOptions, Paired, RowScore, RowTerm, TermDiff, Transition, diff,
};
pub use input::{Input, InputError, Inputs};
pub use judge::Judge;
pub use keep::{Choice, KeepError, KeepOptions, Kept, Shape, keep};
pub use lines::{Found, InputLine, Wanted, each_line, find, rest_of_group};
pub use manifest::{InputIdentity, Manifest, OutputOptions, SpecIdentity};
pub use output::{Columns, SCORE_FIELDS};
pub use resume::{Existing, OutputFile, ResumeError};
pub use run::{Batch, BatchError, BatchOptions, Control, Ended, Progress, Report};
pub use samples::{MAX_ANSWERS, MAX_GROUPS, MajorityAt, PassAt, Samples};
pub use schemas::{InputSchema, look};
pub use select::{Condition, Sample, Selection, SelectionError, Shard};
pub use summary::{Moments, RewardSummary, Summary, TaskSummary};
pub use threads::{Threads, score_all};
