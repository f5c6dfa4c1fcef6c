//! Tag count: the share of given tags that stand in a text exactly once.
//!
//! ```text
//! tags that occur once / tags - trailing_penalty * characters after the last tag
//! ```
//!
//! not below 0.
//!
//! *Source*: open-r1's `tag_count_reward` (0.25 for each of four tags with their
//! line breaks, the defaults here), after W. Brown's `xmlcount` (gist
//! "grpo_demo.py": 0.125 per tag, and 0.001 off per character after the last,
//! for which there is `trailing_penalty`). Deviation: the gist's value can fall
//! below 0.
//!
//! This is no proof of form: neither order nor nesting counts, and everything may
//! stand between the tags. `format = { score = "graded" }` also pays by parts,
//! but by the template's grammar: a tag counts only where it stands once *and in
//! order*, whatever the line breaks, and a valid completion alone earns 1. Prefer
//! it; use this one to repeat a published recipe, or for tags of no template.
//!
//! *How it can be gamed*: `</answer>`, `<answer>`, `</think>`, `<think>` in any
//! order and nothing else earns 1. Where a chat template has written the first
//! tag already, the completion lacks it and 1 is out of reach.

use memchr::memmem;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{OptionError, finite};
use crate::verdict::Measure;

/// The tags, and what text after the last of them costs.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TagsOptions {
    /// The tags as they must stand, line breaks included; each counts where it
    /// occurs exactly once. Default: `<think>\n`, `\n</think>\n`,
    /// `\n<answer>\n`, `\n</answer>`.
    #[schemars(length(min = 1, max = 64))]
    pub tags: Vec<String>,
    /// Taken off per character after the last occurrence of the last tag, white
    /// space at the end aside. Default 0.
    #[schemars(range(min = 0))]
    pub trailing_penalty: f64,
}

/// Each tag is a scan over the text.
const MAX_TAGS: usize = 64;

impl Default for TagsOptions {
    fn default() -> Self {
        let tags = ["<think>\n", "\n</think>\n", "\n<answer>\n", "\n</answer>"];
        Self {
            tags: tags.map(str::to_owned).to_vec(),
            trailing_penalty: 0.0,
        }
    }
}

impl TagsOptions {
    /// # Errors
    /// `tags` is empty, too long or has an empty or repeated tag, or
    /// `trailing_penalty` is below 0 or not finite.
    pub fn check(&self) -> Result<(), OptionError> {
        let refuse = |problem: String| Err(OptionError::new("tags", problem));
        if !(1..=MAX_TAGS).contains(&self.tags.len()) {
            let problem = format!(
                "has {} entries; give from 1 to {MAX_TAGS} tags",
                self.tags.len()
            );
            return refuse(problem);
        }
        for (index, tag) in self.tags.iter().enumerate() {
            if tag.is_empty() {
                return refuse("has an empty tag, which would be everywhere; remove it".to_owned());
            }
            if self.tags[..index].contains(tag) {
                return refuse(format!("has `{}` twice", tag.escape_debug()));
            }
        }
        finite("trailing_penalty", self.trailing_penalty)?;
        if self.trailing_penalty < 0.0 {
            let problem = format!(
                "is {}, which would pay for trailing text; give 0 or more",
                self.trailing_penalty
            );
            return Err(OptionError::new("trailing_penalty", problem));
        }
        Ok(())
    }
}

/// The share of the tags that stand in `text` exactly once, in `[0, 1]`.
///
/// Evidence: `once` (their number), `tags`, and `trailing` (characters after the
/// last tag) where they cost something.
///
/// ```
/// use goldstone::text::tags::{TagsOptions, measure};
///
/// let options = TagsOptions::default();
/// let whole = "<think>\nadd\n</think>\n<answer>\n4\n</answer>";
/// assert_eq!(measure(whole, &options).value, Some(1.0));
/// assert_eq!(measure("<think>add</think><answer>4</answer>", &options).value, Some(0.0));
/// assert_eq!(measure("<think>\n<think>\n4", &options).value, Some(0.0));
/// ```
#[must_use]
pub fn measure(text: &str, options: &TagsOptions) -> Measure {
    let once = options
        .tags
        .iter()
        .filter(|tag| {
            memmem::find_iter(text.as_bytes(), tag.as_bytes())
                .take(2)
                .count()
                == 1
        })
        .count();
    let share = once as f64 / options.tags.len().max(1) as f64;
    let mut measure = Measure::of(share)
        .with("once", once)
        .with("tags", options.tags.len());
    if options.trailing_penalty > 0.0
        && let Some(tag) = options.tags.last()
        && let Some(start) = text.rfind(tag.as_str())
    {
        let trailing = text[start + tag.len()..].trim_end().chars().count();
        let lessened = share - options.trailing_penalty * trailing as f64;
        measure.value = Some(lessened.max(0.0));
        measure.detail.insert("trailing", trailing);
    }
    measure
}
