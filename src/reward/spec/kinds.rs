//! The kinds of rewards: which there are, and how each reads its table.

use super::reader::{Reader, Table};
use super::{FormatReward, Kind, MeasureKind, Payout, Span};

/// The reward kinds of this build, as a spec names them.
pub(crate) const KINDS: &[&str] = &[
    "format",
    "exact",
    "choice",
    "gsm8k",
    "instructions",
    "math",
    #[cfg(feature = "sandbox")]
    "code",
    #[cfg(feature = "sandbox")]
    "efficiency",
    "countdown",
    "json",
    "cosine",
    "group_length",
    "language",
    "overlong",
    #[cfg(feature = "remote")]
    "remote",
    "repetition",
    "steps",
    "stop",
    "tags",
];

/// Kinds of the spec language that this build does not have.
pub(super) const LACKING: &[&str] = &[
    #[cfg(not(feature = "sandbox"))]
    "code",
    #[cfg(not(feature = "sandbox"))]
    "efficiency",
    #[cfg(not(feature = "remote"))]
    "remote",
];

/// A kind's table, as it was read.
pub(super) struct ReadKind {
    pub(super) payout: Payout,
    pub(super) kind: Kind,
    /// The reward that it looks at, and where it says so.
    pub(super) of: Option<(usize, Span)>,
}

impl<'s> Reader<'s> {
    /// Reads the table of a kind of this build; `names` are the rewards that it
    /// may look at.
    pub(super) fn kind(&mut self, name: &str, table: Table<'s>, names: &[String]) -> ReadKind {
        match name {
            "format" => {
                let (_, reward) = self.decode::<FormatReward>(table);
                let payout = Payout {
                    correct: reward.correct,
                    wrong: reward.wrong,
                    ..Payout::default()
                };
                ReadKind {
                    payout,
                    kind: Kind::Format(reward),
                    of: None,
                }
            }
            "exact" => self.judged(table, Kind::Exact),
            "choice" => self.judged(table, Kind::Choice),
            "gsm8k" => self.judged(table, Kind::Gsm8k),
            "instructions" => self.judged(table, Kind::Instructions),
            "math" => self.judged(table, Kind::Math),
            #[cfg(feature = "sandbox")]
            "code" => self.judged(table, Kind::Code),
            "countdown" => self.judged(table, Kind::Countdown),
            "json" => self.judged(table, Kind::Json),
            "cosine" => self.measured(table, names, MeasureKind::Cosine),
            #[cfg(feature = "sandbox")]
            "efficiency" => self.measured(table, names, MeasureKind::Efficiency),
            "group_length" => self.measured(table, names, MeasureKind::GroupLength),
            "language" => self.measured(table, names, MeasureKind::Language),
            "overlong" => self.measured(table, names, MeasureKind::Overlong),
            #[cfg(feature = "remote")]
            "remote" => self.measured(table, names, |options| {
                MeasureKind::Remote(Box::new(options))
            }),
            "repetition" => self.measured(table, names, MeasureKind::Repetition),
            "steps" => self.measured(table, names, MeasureKind::Steps),
            "stop" => self.measured(table, names, MeasureKind::Stop),
            "tags" => self.measured(table, names, MeasureKind::Tags),
            other => unreachable!("`{other}` is none of `KINDS`"),
        }
    }
}
