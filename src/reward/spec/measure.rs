//! The measures as a spec writes them: `overlong = { … }` and its like.

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use super::kinds::ReadKind;
use super::read::ReadReward;
use super::reader::{Reader, Table};
use super::schema::keys;
#[cfg(feature = "sandbox")]
use super::{Against, EfficiencyOptions};
use super::{Combine, Kind, NullOr, Payout, Rule, Section};
use crate::language::LanguageOptions;
#[cfg(feature = "remote")]
use crate::reward::remote::RemoteOptions;
use crate::text::LengthUnit;
use crate::text::OptionError;
use crate::text::cosine::CosineOptions;
use crate::text::group_length::GroupLengthOptions;
use crate::text::overlong::OverlongOptions;
use crate::text::repetition::RepetitionOptions;
use crate::text::steps::StepsOptions;
use crate::text::stop::StopOptions;
use crate::text::tags::TagsOptions;

/// A measure of a spec, with its options.
#[derive(Clone, Debug)]
pub(crate) enum MeasureKind {
    Cosine(CosineOptions),
    #[cfg(feature = "sandbox")]
    Efficiency(EfficiencyOptions),
    GroupLength(GroupLengthOptions),
    Language(LanguageOptions),
    Overlong(OverlongOptions),
    #[cfg(feature = "remote")]
    Remote(Box<RemoteOptions>),
    Repetition(RepetitionOptions),
    Steps(StepsOptions),
    Stop(StopOptions),
    Tags(TagsOptions),
}

impl MeasureKind {
    /// The optional field of a rollout that it looks at, if it looks at one; a column
    /// that its options name is another matter.
    pub(super) fn native_field(&self) -> Option<&'static str> {
        let of_length = |unit| (unit == LengthUnit::Tokens).then_some("n_tokens");
        match self {
            Self::Overlong(_) => Some("n_tokens"),
            Self::Cosine(options) => of_length(options.unit),
            Self::GroupLength(options) => of_length(options.unit),
            Self::Stop(_) => Some("finish_reason"),
            _ => None,
        }
    }

    /// Whether it compares the rollouts of a group.
    pub(crate) fn needs_group(&self) -> bool {
        match self {
            Self::GroupLength(_) => true,
            #[cfg(feature = "sandbox")]
            Self::Efficiency(options) => options.against == Against::Group,
            _ => false,
        }
    }
}

/// What the spec language has to know of a measure's options.
pub(super) trait MeasureOptions: for<'de> Deserialize<'de> + JsonSchema + Default {
    /// Whether it looks at another reward, which `of` names.
    const OF: bool = false;
    /// The section that it measures by default; `None` if it reads no text.
    const SECTION: Option<Section> = None;

    /// What is wrong with the options.
    fn usable(&self) -> Result<(), OptionError> {
        Ok(())
    }

    /// What works, and is still not wise.
    fn doubt(&self) -> Option<OptionError> {
        None
    }

    /// The least and the most that it may come to.
    fn range(&self) -> [f64; 2];
}

/// What a measure's table may have beside its own options.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct MeasureKeys {
    /// The section that is measured.
    section: Option<Section>,
    /// The reward whose verdict counts.
    #[schemars(with = "Option<String>")]
    of: Option<Spanned<String>>,
    /// Pay where the measure cannot tell: `"null"` (default) or a number.
    abstain: NullOr,
}

impl<'s> Reader<'s> {
    /// Reads a measure's table; `names` are the rewards that `of` may name.
    pub(super) fn measured<O: MeasureOptions>(
        &mut self,
        mut table: Table<'s>,
        names: &[String],
        kind: fn(O) -> MeasureKind,
    ) -> ReadKind {
        let before = self.problems.len();
        let mut common = vec!["abstain"];
        common.extend(O::OF.then_some("of"));
        common.extend(O::SECTION.map(|_| "section"));
        let mut allowed: Vec<String> = common.iter().map(|key| (*key).to_owned()).collect();
        allowed.extend(keys::<O>());
        self.check_keys(&mut table, allowed);
        let (place, span) = (table.place.clone(), table.span.clone());
        let common = Table {
            place: place.clone(),
            span: span.clone(),
            entries: table.drain(&common),
        };
        let common: MeasureKeys = self.decode_checked(common);
        let own: Vec<String> = keys::<O>();
        let own: Vec<&str> = own.iter().map(String::as_str).collect();
        let spans = table.spans(&own);
        let options: O = self.decode_checked(table);
        let of = match &common.of {
            Some(of) => self.resolve(of, names),
            None if O::OF && self.problems.len() == before => {
                let help = "add `of = \"accuracy\"`, with the name of a reward".to_owned();
                let label = "which reward says what is right?";
                self.report(
                    span.clone(),
                    format!("{place} needs `of`"),
                    label,
                    Some(help),
                );
                None
            }
            None => None,
        };
        if self.problems.len() == before
            && let Err(error) = options.usable()
        {
            self.report_unusable(&error, &place, &spans, span.clone());
        }
        if let Some(doubt) = options.doubt() {
            self.warn(&doubt, &place, &spans, span);
        }
        let [least, most] = options.range();
        ReadKind {
            payout: Payout {
                section: common.section.or(O::SECTION).unwrap_or(Section::Text),
                correct: most,
                wrong: least,
                no_answer: None,
                unknown: common.abstain,
            },
            kind: Kind::Measure(kind(options)),
            of,
        }
    }
}

impl Reader<'_> {
    /// A measure has no right and wrong, so that nothing can wait for it to be
    /// earned; and what takes the whole group comes last.
    pub(super) fn check_measures(&mut self, rewards: &[ReadReward], combine: &Combine) {
        if !self.problems.is_empty() {
            return;
        }
        let is_measure = |index: usize| matches!(rewards[index].reward.kind, Kind::Measure(_));
        for read in rewards {
            let reward = &read.reward;
            for (index, span) in &read.links {
                let other = &rewards[*index].reward;
                let asks = reward.needs.contains(index) || reward.of == Some(*index);
                let (title, label) = if asks && is_measure(*index) {
                    let title = format!(
                        "`{}` is a measure: it is neither right nor wrong",
                        other.name
                    );
                    (title, "expected a reward with a verdict")
                } else if reward.scale_by == Some(*index) && other.kind.needs_group() {
                    let title = format!("`{}` is known only when the group is", other.name);
                    (title, "expected a reward that a rollout earns alone")
                } else {
                    continue;
                };
                self.report(span.clone(), title, label, None);
            }
            #[cfg(feature = "sandbox")]
            if let (Kind::Measure(MeasureKind::Efficiency(_)), Some(of)) = (&reward.kind, reward.of)
                && !matches!(rewards[of].reward.kind, Kind::Code(_))
            {
                let title = format!("`{}` runs no programs", rewards[of].reward.name);
                let label = "efficiency is that of a `code` reward's programs";
                let span = read.links.iter().find(|(index, _)| *index == of);
                let span = span.map_or(read.kind_span.clone(), |(_, span)| span.clone());
                self.report(span, title, label, None);
            }
        }
        let judged: Vec<usize> = match &combine.rule {
            Rule::Sum => Vec::new(),
            Rule::Gate { gates, .. } => gates.clone(),
            Rule::Table { rows, .. } => {
                let verdicts = rows.iter().flat_map(|row| &row.verdicts);
                verdicts.map(|(index, _)| *index).collect()
            }
        };
        if let Some(index) = judged.into_iter().find(|index| is_measure(*index)) {
            let read = &rewards[index];
            let title = format!(
                "`[combine]` asks for the verdict of `{}`, a measure",
                read.reward.name
            );
            let label = "a measure is neither right nor wrong";
            self.report(read.kind_span.clone(), title, label, None);
        }
    }
}

/// A measure's own options beside the keys of all measures, for the schema.
#[derive(JsonSchema)]
#[allow(dead_code, reason = "only the schema is generated from it")]
pub(crate) struct Measured<O> {
    #[serde(flatten)]
    common: MeasureKeys,
    #[serde(flatten)]
    options: O,
}

impl MeasureOptions for CosineOptions {
    const OF: bool = true;

    fn usable(&self) -> Result<(), OptionError> {
        self.check()
    }

    fn range(&self) -> [f64; 2] {
        let exceeded = self.exceeded.unwrap_or(self.min_value_wrong);
        let least = self.min_value_wrong.min(exceeded);
        [least, self.max_value_correct]
    }
}

#[cfg(feature = "sandbox")]
impl MeasureOptions for EfficiencyOptions {
    const OF: bool = true;

    fn range(&self) -> [f64; 2] {
        [0.0, 1.0]
    }
}

impl MeasureOptions for GroupLengthOptions {
    const OF: bool = true;

    fn range(&self) -> [f64; 2] {
        [-0.5, 0.5]
    }
}

impl MeasureOptions for LanguageOptions {
    const SECTION: Option<Section> = Some(Section::Think);

    fn usable(&self) -> Result<(), OptionError> {
        self.check().map_err(|error| OptionError {
            field: error.field,
            problem: error.problem,
        })
    }

    fn range(&self) -> [f64; 2] {
        [0.0, 1.0]
    }
}

impl MeasureOptions for OverlongOptions {
    fn usable(&self) -> Result<(), OptionError> {
        self.check()
    }

    fn range(&self) -> [f64; 2] {
        [-1.0, 0.0]
    }
}

#[cfg(feature = "remote")]
impl MeasureOptions for RemoteOptions {
    const SECTION: Option<Section> = Some(Section::Answer);

    fn usable(&self) -> Result<(), OptionError> {
        self.check()
    }

    fn doubt(&self) -> Option<OptionError> {
        RemoteOptions::doubt(self)
    }

    fn range(&self) -> [f64; 2] {
        self.bounds()
    }
}

impl MeasureOptions for RepetitionOptions {
    const SECTION: Option<Section> = Some(Section::Text);

    fn usable(&self) -> Result<(), OptionError> {
        self.check()
    }

    fn range(&self) -> [f64; 2] {
        [self.max_penalty, 0.0]
    }
}

impl MeasureOptions for StepsOptions {
    const SECTION: Option<Section> = Some(Section::Text);

    fn usable(&self) -> Result<(), OptionError> {
        self.check()
    }

    fn range(&self) -> [f64; 2] {
        [0.0, 1.0]
    }
}

impl MeasureOptions for StopOptions {
    fn usable(&self) -> Result<(), OptionError> {
        self.check()
    }

    fn range(&self) -> [f64; 2] {
        [self.penalty, 0.0]
    }
}

impl MeasureOptions for TagsOptions {
    const SECTION: Option<Section> = Some(Section::Text);

    fn usable(&self) -> Result<(), OptionError> {
        self.check()
    }

    fn range(&self) -> [f64; 2] {
        [0.0, 1.0]
    }
}
