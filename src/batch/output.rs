//! Output rows: a judged line in, one line of JSON out.

use serde::{Deserialize, Serialize};

use super::judge::Judged;
use crate::reward::Score;
use crate::rollout::Record;

/// The fields of a score. An input column of such a name is left out, so that a
/// scored file can be scored again.
pub const SCORE_FIELDS: [&str; 6] = ["id", "group", "reward", "status", "terms", "error"];

/// Which columns an output row has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Columns {
    /// The input's columns, each value copied byte for byte, in their order,
    /// then the score's. A line that is not a JSON object has no columns.
    #[default]
    All,
    /// The score's columns only.
    Scores,
}

/// Appends the row of `judged` to `out`, with its line end.
pub(super) fn write_row(judged: &Judged<'_>, columns: Columns, out: &mut Vec<u8>) {
    write_columns(judged.record.as_ref(), columns, out);
    write_score(&judged.score, out);
}

/// Appends what a row has before its score.
pub(super) fn write_columns(record: Option<&Record<'_>>, columns: Columns, out: &mut Vec<u8>) {
    out.push(b'{');
    if let (Columns::All, Some(record)) = (columns, record) {
        for (name, value) in record.columns() {
            if SCORE_FIELDS.contains(&name) {
                continue;
            }
            json(out, name);
            out.push(b':');
            out.extend_from_slice(value.as_bytes());
            out.push(b',');
        }
    }
}

/// Appends the score to the columns before it, and the line end.
pub(super) fn write_score(score: &Score, out: &mut Vec<u8>) {
    // The score is an object of its own: its `{` gives way to the columns.
    let brace = out.len();
    json(out, score);
    out.remove(brace);
    out.push(b'\n');
}

fn json<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    serde_json::to_writer(out, value).expect("a Vec takes every byte and all keys are strings");
}
